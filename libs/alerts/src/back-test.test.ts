import type { Clock } from '@milepost/core';
import type { Position } from '@milepost/fleet';
import { type Alert, backTest, type BackTestEvent, type Observation, type Rule, RuleEngine, RuleSet } from './index.ts';
import { MemoryAlertStore } from './memory-alert-store.ts';

const startMs = Date.parse('2026-11-23T10:00:00Z');
const inside = { lat: 57.5, lon: 11.5 };
const outside = { lat: 60, lon: 11.5 };
const head = { enabled: true, trucks: 'all', version: 5 } as const;
const square = [
  [11, 57],
  [12, 57],
  [12, 58],
  [11, 58],
  [11, 57],
] as const; // prettier-ignore
const area = { type: 'Polygon', coordinates: [square] } as const;
const rules: readonly Rule[] = [
  { ...head, id: 'fast', name: 'fast', kind: 'speeding', limitKmh: 90, alertLate: true },
  { ...head, id: 'fence', name: 'fence', kind: 'geofence', event: 'exit', area, alertLate: true },
  { ...head, id: 'strict', name: 'strict', kind: 'speeding', limitKmh: 50, coolDownSeconds: 120 },
  { ...head, id: 'quiet', name: 'quiet', kind: 'silence', afterSeconds: 30 },
  { ...head, id: 'still', name: 'still', kind: 'stopped', afterSeconds: 60, radiusM: 100 },
  { ...head, id: 'brakes', name: 'brakes', kind: 'harsh-braking', decelerationMps2: 3 },
  { ...head, id: 'one', name: 'one', kind: 'low-fuel', belowPct: 30, trucks: { ids: ['t-1'] } },
];

interface Logged {
  readonly partition: number;
  readonly timestamp: number;
  readonly key: Buffer;
  readonly seen: Observation;
}

/** Mulberry32. */
function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A quarter of an hour of three trucks with gaps, jumps, and positions that were stored and come late, in any order. */
function logOf(seed: number): Logged[] {
  const chance = chanceOf(seed);
  const sent: { readonly heardMs: number; readonly position: Position }[] = [];
  for (const truckId of ['t-1', 't-2', 't-3']) {
    const stored: Position[] = [];
    for (let second = 0; second < 900; second += 1 + Math.floor(chance() ** 6 * 60)) {
      const position: Position = {
        truckId,
        ts: new Date(startMs + second * 1000).toISOString(),
        source: 'milepost',
        ...(chance() < 0.9 ? inside : outside),
        speedKmh: Math.floor(chance() * 110),
        fuelPct: Math.floor(chance() * 100),
      };
      if (chance() < 0.3) stored.push(position);
      else sent.push({ heardMs: startMs + second * 1000, position });
      if (chance() >= 0.1) continue;
      const order = new Map(stored.map((one) => [one, chance()]));
      for (const one of stored.splice(0).toSorted((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0)))
        sent.push({ heardMs: startMs + second * 1000 + 500, position: one });
    }
  }
  const offsets = [0, 0, 0, 0];
  return sent
    .toSorted((a, b) => a.heardMs - b.heardMs)
    .map(({ heardMs, position }) => {
      const partition = Number(position.truckId.at(-1));
      const offset = offsets[partition] as number;
      offsets[partition] = offset + 1;
      const seen = { partition, offset, heardMs, position };
      return { partition, timestamp: heardMs, key: Buffer.from(position.truckId), seen };
    });
}

/** The engine as it runs: each record when it is received, and a tick every second. */
async function liveRun(log: readonly Logged[], endMs: number): Promise<readonly Alert[]> {
  let nowMs = startMs;
  const clock: Clock = { now: () => nowMs, monotonic: () => nowMs, after: () => () => {} };
  const set = new RuleSet(1, rules);
  const engine = new RuleEngine({ store: new MemoryAlertStore(), clock, channels: [], rules: () => set });
  const alerts: Alert[] = [...(await engine.tick([1, 2, 3]))];
  const rest = [...log];
  for (nowMs = startMs; nowMs <= endMs; nowMs += 500) {
    while (rest[0] && rest[0].timestamp <= nowMs) {
      const { partition, seen } = rest.shift() as Logged;
      alerts.push(...(await engine.process([{ partition, seen: [seen], nextOffset: seen.offset + 1 }])));
    }
    if (nowMs % 1000 === 0) alerts.push(...(await engine.tick([1, 2, 3])));
  }
  return alerts;
}

const instantly: Clock = {
  now: () => 0,
  monotonic: () => 0,
  after: (_, then) => {
    const waiting = setImmediate(then);
    return () => clearImmediate(waiting);
  },
};

async function* inPartitions(log: readonly Logged[]): AsyncGenerator<readonly Logged[]> {
  for (const partition of [1, 2, 3]) yield log.filter((record) => record.partition === partition);
}

const options = (rule: Rule, log: AsyncIterable<readonly Logged[]>, toMs: number) => ({
  rule,
  log,
  observe: ({ seen }: Logged) => seen,
  fromMs: startMs,
  toMs,
  partitions: 4,
  mostAlerts: 10_000,
  clock: instantly,
});

async function eventsOf(events: AsyncIterable<BackTestEvent>): Promise<BackTestEvent[]> {
  const all: BackTestEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}
const alertsOf = (events: readonly BackTestEvent[]): Alert[] =>
  events.flatMap((event) => (event.kind === 'alert' ? [event.alert] : []));

test.each(Array.from({ length: 20 }, (_, seed) => seed))(
  'a back-test and the live run over the same log raise the same alerts, whatever the order of late positions (log %d)',
  async (seed) => {
    const log = logOf(seed);
    const endMs = startMs + 960_000;
    const live = await liveRun(log, endMs);
    const kinds = new Set(live.map(({ kind }) => kind));
    expect(kinds.size).toBe(6); // each kind can fire
    expect(live.some(({ late }) => late)).toBe(true);
    for (const rule of rules) {
      const played = alertsOf(await eventsOf(backTest(options(rule, inPartitions(log), endMs))));
      const expected = live.filter((alert) => alert.rule === rule.id);
      const sorted = (alerts: readonly Alert[]) => alerts.toSorted((a, b) => (a.alertId < b.alertId ? -1 : 1));
      expect(sorted(played)).toEqual(sorted(expected));
    }
  },
);

test('a silence with a schedule is found when the schedule begins', async () => {
  const rule: Rule = {
    ...head,
    id: 'quiet',
    name: 'quiet',
    kind: 'silence',
    afterSeconds: 60,
    schedule: { timeZone: 'UTC', from: '10:30', to: '11:00' },
  };
  const log = logOf(1).filter(({ partition }) => partition === 1);
  const played = alertsOf(await eventsOf(backTest(options(rule, inPartitions(log), startMs + 7_200_000))));
  expect(played.map(({ ts }) => ts)).toEqual(['2026-11-23T10:30:00.000Z']);
});

test('a back-test reads only what was received in its time, and no truck but its own', async () => {
  const [one, other] = [rules[0] as Rule, rules[6] as Rule];
  const log = logOf(3);
  const minuteMs = startMs + 60_000;
  const last = (await eventsOf(backTest(options(one, inPartitions(log), minuteMs)))).at(-1);
  expect(last).toMatchObject({ positions: log.filter(({ timestamp }) => timestamp <= minuteMs).length });
  const own = (await eventsOf(backTest(options(other, inPartitions(log), startMs + 960_000)))).at(-1);
  expect(own).toMatchObject({ positions: log.filter(({ key }) => key.toString() === 't-1').length });
});

test('a back-test stops reading where its caller does, and rests after each step', async () => {
  let [reads, rests, closed] = [0, 0, false];
  const records = logOf(2).filter(({ partition }) => partition === 1);
  async function* endless(): AsyncGenerator<readonly Logged[]> {
    try {
      for (;;) {
        reads++;
        yield records;
      }
    } finally {
      closed = true;
    }
  }
  const clock: Clock = {
    ...instantly,
    after: (ms, then) => {
      rests++;
      return instantly.after(ms, then);
    },
  };
  const test = backTest({ ...options(rules[0] as Rule, endless(), startMs + 960_000), clock });
  for await (const event of test) if (event.kind === 'alert' && reads > 3) break;
  expect(closed).toBe(true);
  expect(rests).toBeGreaterThanOrEqual(3);
});
