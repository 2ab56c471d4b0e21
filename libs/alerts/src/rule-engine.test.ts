import type { Clock } from '@milepost/core';
import { type Alert, type Observation, type Rule, RuleEngine, RuleSet } from './index.ts';
import { STATES_PER_TRANSACTION } from './rule-engine.ts';
import { MemoryAlertStore } from './memory-alert-store.ts';

const head = { name: 'a rule', enabled: true, trucks: 'all', version: 1 } as const;
const firstRules: readonly Rule[] = [
  { ...head, id: 'speeding', kind: 'speeding', limitKmh: 90 },
  {
    ...head,
    id: 'city',
    name: 'Gothenburg',
    kind: 'geofence',
    event: 'exit',
    area: { type: 'Circle', center: [11.97, 57.7], radiusM: 10_000 },
  },
  { ...head, id: 'silence', kind: 'silence', afterSeconds: 60 },
];
const center = { lat: 57.7, lon: 11.97 };
const outside = { lat: 57.9, lon: 11.97 };
let nowMs: number;
/** The error of the wall clock. */
let aheadMs: number;
const clock: Clock = { now: () => nowMs + aheadMs, monotonic: () => nowMs, after: () => () => {} };
let store: MemoryAlertStore;
let rules: readonly Rule[];
let offset: number;

beforeEach(() => {
  nowMs = 1_700_000_000_000;
  aheadMs = 0;
  offset = 0;
  store = new MemoryAlertStore();
  rules = firstRules;
});

const engine = (): RuleEngine =>
  new RuleEngine({ store, clock, channels: ['webhook'], rules: () => new RuleSet(1, rules) });

function seen(position: { lat: number; lon: number; speedKmh?: number }, truckId = 't-1'): Observation {
  const ts = new Date(nowMs).toISOString();
  return {
    partition: 3,
    offset: offset++,
    heardMs: nowMs + aheadMs,
    position: { truckId, ts, source: 'milepost', ...position },
  };
}
const feed = (running: RuleEngine, ...batch: Observation[]): Promise<readonly Alert[]> =>
  running.process([{ partition: 3, seen: batch, nextOffset: offset }]);
const ids = (alerts: readonly Alert[]): string[] => alerts.map(({ alertId }) => alertId);

test('a truck that speeds raises one alert, until it has been slow again', async () => {
  const running = engine();
  expect(ids(await feed(running, seen({ ...center, speedKmh: 80 }), seen({ ...center, speedKmh: 95 })))).toEqual([
    'speeding-3-1',
  ]);
  expect(ids(await feed(running, seen({ ...center, speedKmh: 120 }), seen({ ...center, speedKmh: 88 })))).toEqual([]);
  expect(ids(await feed(running, seen({ ...center, speedKmh: 91 })))).toEqual([]);
  expect(ids(await feed(running, seen({ ...center, speedKmh: 60 }), seen({ ...center, speedKmh: 91 })))).toEqual([
    'speeding-3-6',
  ]);
});

test('leaving the geofence raises an alert; being elsewhere from the start does not', async () => {
  const running = engine();
  expect(await feed(running, seen(outside, 'far'))).toEqual([]);
  const alerts = await feed(running, seen(center), seen(outside), seen(outside));
  expect(ids(alerts)).toEqual(['city-3-2']);
  expect(alerts[0]).toMatchObject({
    truckId: 't-1',
    kind: 'geofence',
    message: 't-1 left Gothenburg',
    position: outside,
  });
});

test('silence raises an alert with the offset of the last position, once', async () => {
  const running = engine();
  await feed(running, seen(center));
  nowMs += 59_000;
  expect(await running.tick([3])).toEqual([]);
  nowMs += 1_000;
  expect(ids(await running.tick([3]))).toEqual(['silence-3-0']);
  nowMs += 60_000;
  expect(await running.tick([3])).toEqual([]);
  await feed(running, seen(center));
  nowMs += 60_000;
  expect(ids(await running.tick([3]))).toEqual(['silence-3-1']);
});

test.each([86_400_000, -86_400_000])(
  'a wall clock that is set by %d ms makes no truck silent, and keeps none alive',
  async (ms) => {
    const running = engine();
    await feed(running, seen(center));
    expect(await running.tick([3])).toEqual([]);
    aheadMs = ms;
    nowMs += 1_000;
    expect(await running.tick([3])).toEqual([]);
    nowMs += 60_000;
    expect(ids(await running.tick([3]))).toEqual(['silence-3-0']);
  },
);

test('a fleet that falls silent at the same time raises every alert, in transactions of bounded size', async () => {
  const running = engine();
  const trucks = 2 * STATES_PER_TRANSACTION + 1;
  const sizes: number[] = [];
  const commit = store.commit.bind(store);
  store.commit = (steps) => {
    sizes.push(steps.reduce((sum, { states }) => sum + states.length, 0));
    return commit(steps);
  };
  await feed(running, ...Array.from({ length: trucks }, (_, truck) => seen(center, `t-${truck}`)));
  nowMs += 60_000;
  expect(new Set(ids(await running.tick([0, 3]))).size).toBe(trucks);
  expect(await running.tick([0, 3])).toEqual([]);
  expect(sizes).toEqual([
    STATES_PER_TRANSACTION,
    STATES_PER_TRANSACTION,
    1,
    STATES_PER_TRANSACTION,
    STATES_PER_TRANSACTION,
    1,
  ]);
  expect((await store.load(3)).nextOffset).toBe(trucks);
});

test('records that are reread, by this process or the next, change nothing', async () => {
  const batch = [seen({ ...center, speedKmh: 95 }), seen(center), seen(outside)];
  expect(await feed(engine(), ...batch)).toHaveLength(2);
  const second = engine();
  expect(await feed(second, ...batch)).toEqual([]);
  expect(
    ids(await feed(second, ...batch, seen({ ...center, speedKmh: 9 }), seen({ ...center, speedKmh: 99 }))),
  ).toEqual(['speeding-3-4']);
  expect(store.alerts.size).toBe(3);
});

test('a restart remembers who is speeding and who has left', async () => {
  await feed(engine(), seen({ ...center, speedKmh: 95 }), seen({ ...outside, speedKmh: 95 }));
  expect(await feed(engine(), seen({ ...outside, speedKmh: 95 }))).toEqual([]);
});

test('a step that another process overtook is decided again, on the stored state', async () => {
  const [first, second] = [engine(), engine()];
  await feed(first, seen(center));
  await feed(second, seen({ ...center, speedKmh: 95 }));
  expect(await feed(first, seen({ ...center, speedKmh: 95 }))).toEqual([]);
  expect([...store.alerts.keys()]).toEqual(['speeding-3-1']);
});

test('after a downtime no truck counts as silent before the backlog has been read', async () => {
  await feed(engine(), seen(center));
  const missed = seen(center);
  nowMs += 3_600_000;
  const restarted = engine();
  expect(await restarted.tick([3])).toEqual([]);
  nowMs += 40_000;
  await feed(restarted, missed);
  nowMs += 40_000;
  expect(await restarted.tick([3])).toEqual([]);
  nowMs += 40_000;
  expect(await restarted.tick([3])).toHaveLength(1);
});

test('a disabled rule raises no alerts', async () => {
  rules = firstRules.map((rule) => ({ ...rule, enabled: false }));
  expect(await feed(engine(), seen({ ...center, speedKmh: 200 }), seen(outside))).toEqual([]);
});
