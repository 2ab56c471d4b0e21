import { heard, type Outcome, unheard } from './evaluation.ts';
import { RuleSet } from './rule-set.ts';
import type { TruckState } from './truck-state.ts';

const head = { name: 'a rule', enabled: true, trucks: 'all', version: 7 } as const;
const rules = new RuleSet(7, [
  { ...head, id: 'speeding', kind: 'speeding', limitKmh: 90 },
  {
    ...head,
    id: 'city',
    name: 'the city',
    kind: 'geofence',
    event: 'exit',
    area: {
      type: 'Polygon',
      coordinates: [
        [
          [11, 57],
          [12, 57],
          [12, 58],
          [11, 58],
          [11, 57],
        ],
      ],
    },
  },
  { ...head, id: 'silence', kind: 'silence', afterSeconds: 60 },
]);
const inside = { lat: 57.5, lon: 11.5 };
const outside = { lat: 60, lon: 11.5 };
const nowMs = Date.parse('2026-11-22T10:00:00Z');

const firing = (state: TruckState | undefined): string[] =>
  Object.entries(state?.rules ?? {})
    .flatMap(([id, { firing: isFiring }]) => (isFiring ? [id] : []))
    .toSorted();

interface Said {
  readonly lat: number;
  readonly lon: number;
  readonly speedKmh?: number;
  /** Seconds before it is received. */
  readonly ago?: number;
  readonly ts?: string;
}

/** The positions of a truck, one a second. */
function drive(...said: readonly Said[]): { readonly state: TruckState; readonly alerts: readonly string[] } {
  const alerts: string[] = [];
  let outcome: Outcome | undefined;
  said.forEach(({ ago = 0, ts, ...place }, offset) => {
    const heardMs = nowMs + offset * 1000;
    const position = {
      truckId: 't-1',
      ts: ts ?? new Date(heardMs - ago * 1000).toISOString(),
      source: 'milepost',
      ...place,
    };
    outcome = heard(rules, outcome?.state, { partition: 0, offset, heardMs, position });
    alerts.push(...outcome.alerts.map(({ rule }) => `${rule} at ${offset}`));
  });
  return { state: (outcome as Outcome).state, alerts };
}

test('stored positions that arrive after the newest raise no alert and change no state', () => {
  const { state, alerts } = drive(
    { ...inside, ago: 600 },
    { ...inside, ago: 0 },
    { ...outside, ago: 240, speedKmh: 140 },
    { ...outside, ago: 300 },
  );
  expect(alerts).toEqual([]);
  expect(state).toMatchObject({ lastPosition: inside, lastOffset: 3 });
  expect(state.rules).toEqual({ city: { version: 7, inside: true } });
});

test('stored positions in the order in which they were taken are evaluated like live ones', () => {
  expect(
    drive({ ...inside, ago: 900 }, { ...inside, ago: 600, speedKmh: 140 }, { ...outside, ago: 300 }).alerts,
  ).toEqual(['speeding at 1', 'city at 2']);
});

test('a clock that is ahead, never set, or corrected blocks no alert', () => {
  const wrong = ['2026-11-22T10:50:00Z', '2036-01-01T00:00:00Z', '2004-01-01T00:00:00Z'];
  for (const ts of wrong) expect(drive({ ...inside, ts }, { ...inside }, { ...outside }).alerts).toEqual(['city at 2']);
});

test('a wall clock that is set ahead and back holds up no alarm', () => {
  const dayMs = 86_400_000;
  let state: TruckState | undefined;
  const alerts: string[] = [];
  /** From a device that has no clock of its own. */
  const send = (heardMs: number, place: { lat: number; lon: number; speedKmh?: number }): void => {
    const position = { truckId: 't-1', ts: new Date(heardMs).toISOString(), source: 'milepost', ...place };
    const outcome = heard(rules, state, { partition: 0, offset: (state?.lastOffset ?? -1) + 1, heardMs, position });
    alerts.push(...outcome.alerts.map(({ rule }) => rule));
    state = outcome.state;
  };
  send(nowMs, inside);
  send(nowMs + dayMs, inside);
  send(nowMs + 2_000, { ...inside, speedKmh: 140 });
  send(nowMs + 3_000, outside);
  expect(alerts).toEqual(['speeding', 'city']);
});

test('an alarm is given again a minute after a device has set its clock back', () => {
  const sent = Array.from({ length: 70 }, (_, n) => ({ ...(n < 65 ? inside : outside), ago: n === 0 ? 0 : 3_600 }));
  expect(drive(...sent).alerts).toEqual(['city at 65']);
});

test('a late position ends a silence and nothing else', () => {
  const { state } = drive({ ...inside, speedKmh: 140 });
  const silent = unheard(rules, state, 0, { watchingSinceMs: 0, nowMs: nowMs + 61_000 });
  expect(firing(silent?.state)).toEqual(['silence', 'speeding']);
  const late = { truckId: 't-1', ts: new Date(nowMs - 5000).toISOString(), source: 'milepost', ...outside };
  const after = heard(rules, silent?.state, { partition: 0, offset: 9, heardMs: nowMs + 62_000, position: late });
  expect(firing(after.state)).toEqual(['speeding']);
  expect(after.state).toMatchObject({
    lastHeardMs: nowMs + 62_000,
    lastOffset: 9,
    lastPosition: inside,
  });
});

test('a state of an earlier version, without its arrivals and rules, gets the time from its position', () => {
  const { arrivals: _, lastTimeMs: __, rules: ___, ...old } = drive({ ...inside }).state;
  const earlier = { truckId: 't-1', ts: new Date(nowMs - 5000).toISOString(), source: 'milepost', ...outside };
  expect(heard(rules, old, { partition: 0, offset: 1, heardMs: nowMs + 1000, position: earlier }).alerts).toEqual([]);
});

test('a silence says since when, to the second', () => {
  const { state } = drive({ ...inside });
  const silent = unheard(rules, state, 0, { watchingSinceMs: nowMs, nowMs: nowMs + 60_000 });
  expect(silent?.alerts.map(({ message }) => message)).toEqual(['t-1 has been silent since 2026-11-22 10:00:00 UTC']);
});

test('an alert says who was authenticated as the sender of its position, also one of silence', () => {
  const position = { truckId: 't-1', ts: '2026-11-22T10:00:00Z', source: 'milepost', ...inside, speedKmh: 120 };
  const seen = { partition: 0, offset: 0, heardMs: nowMs, position, principal: 'User:t-1' };
  const { state, alerts } = heard(rules, undefined, seen);
  expect(alerts).toMatchObject([{ kind: 'speeding', principal: 'User:t-1' }]);
  const later = { watchingSinceMs: nowMs, nowMs: nowMs + 60_000 };
  expect(unheard(rules, state, 0, later)?.alerts).toMatchObject([{ kind: 'silence', principal: 'User:t-1' }]);
  const anonymous = heard(rules, state, {
    ...seen,
    offset: 1,
    principal: undefined,
    position: { ...position, ...outside },
  });
  expect(anonymous.alerts[0]).not.toHaveProperty('principal');
});
