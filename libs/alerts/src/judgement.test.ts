// Each kind of rule, as the positions of a truck fire it.
import { heard, type Rule, type RuleDraft, RuleSet, type TruckState } from './index.ts';

const startMs = Date.parse('2026-11-24T12:00:00Z'); // a Tuesday
type Place = { readonly lat: number; readonly lon: number };
const inside: Place = { lat: 57.5, lon: 11.5 };
const outside: Place = { lat: 60, lon: 11.5 };
const square = [
  [11, 57],
  [12, 57],
  [12, 58],
  [11, 58],
  [11, 57],
] as const; // prettier-ignore
const area = { type: 'Polygon', coordinates: [square] } as const;

interface Sent {
  /** Seconds after the start at which it is received. */
  readonly at: number;
  /** Seconds after the start at which it was taken; absent: when it is received. */
  readonly taken?: number;
  readonly place?: Place;
  readonly speedKmh?: number;
  readonly batteryPct?: number;
  readonly fuelPct?: number;
  readonly ignition?: boolean;
}

type Wanted = Partial<RuleDraft> & Pick<RuleDraft, 'kind'>;
const rule = (condition: Wanted): Rule =>
  ({ id: 'r', name: 'the rule', enabled: true, trucks: 'all', version: 3, ...condition }) as Rule;

/** The alerts: the number of the position that fired each, and whether it is late. */
function fired(rules: readonly Rule[], sent: readonly Sent[]): string[] {
  const set = new RuleSet(1, rules);
  let state: TruckState | undefined;
  return sent.flatMap(({ at, place = inside, taken = at, ...more }, offset) => {
    const ts = new Date(startMs + taken * 1000).toISOString();
    const position = { truckId: 't-1', ts, source: 'milepost', ...place, ...more };
    const outcome = heard(set, state, { partition: 0, offset, heardMs: startMs + at * 1000, position });
    state = JSON.parse(JSON.stringify(outcome.state)) as TruckState; // as it is stored
    return outcome.alerts.map(({ alertId, late }) => `${alertId.split('-').at(-1)}${late ? ' late' : ''}`);
  });
}
const speeds = (...all: readonly (number | undefined)[]): Sent[] =>
  all.map((speedKmh, at) => ({ at, ...(speedKmh !== undefined && { speedKmh }) }));
const places = (...all: readonly Place[]): Sent[] => all.map((place, at) => ({ at, place }));
const batteries = (...all: readonly (number | undefined)[]): Sent[] =>
  all.map((batteryPct, at) => ({ at, ...(batteryPct !== undefined && { batteryPct }) }));
const moved = (meters: number): Place => ({ lat: inside.lat + meters / 111_195, lon: inside.lon });

const speeding = { kind: 'speeding', limitKmh: 90 } as const;
const exit = { kind: 'geofence', event: 'exit', area } as const;
const enter = { kind: 'geofence', event: 'enter', area } as const;
const stopped = { kind: 'stopped', afterSeconds: 300, radiusM: 100 } as const;
const braking = { kind: 'harsh-braking', decelerationMps2: 4 } as const;
const lowBattery = { kind: 'low-battery', belowPct: 20 } as const;
const noon = { timeZone: 'UTC', from: '12:01', to: '12:02' } as const;

test.each<[string, Wanted, readonly Sent[], readonly string[]]>([
  ['speeding fires once while it lasts', speeding, speeds(80, 95, 120), ['1']],
  ['speed that jitters around the limit fires once', speeding, speeds(95, 88, 91), ['0']],
  ['speeding fires again after slow driving', speeding, speeds(95, 60, 91), ['0', '2']],
  ['a position without a speed ends no speeding', speeding, speeds(95, undefined, 95), ['0']],
  ['exactly the limit is allowed', speeding, speeds(90), []],
  [
    'speeding in a zone',
    { ...speeding, area },
    [
      { at: 0, speedKmh: 95, place: outside },
      { at: 1, speedKmh: 95 },
    ],
    ['1'],
  ],
  [
    'speeding in a zone again after leaving it',
    { ...speeding, area },
    [
      { at: 0, speedKmh: 95 },
      { at: 1, speedKmh: 95, place: outside },
      { at: 2, speedKmh: 95 },
    ],
    ['0', '2'],
  ], // prettier-ignore
  ['leaving an area', exit, places(inside, outside, outside, inside, outside), ['1', '4']],
  ['being outside from the start is not leaving', exit, places(outside, outside), []],
  ['entering an area', enter, places(outside, inside, inside, outside, inside), ['1', '4']],
  ['being inside from the start is not entering', enter, places(inside, inside), []],
  [
    'leaving a corridor',
    {
      kind: 'corridor',
      line: [
        [11.5, 57.5],
        [11.5, 58],
      ],
      widthM: 400,
    }, // prettier-ignore
    places(moved(50), moved(500), { lat: 57.6, lon: 11.6 }, { lat: 57.7, lon: 11.5 }),
    ['2'],
  ],
  ['standing still for too long', stopped, [0, 100, 299, 300, 400].map((at) => ({ at, place: moved(at / 10) })), ['3']],
  [
    'a truck that creeps on does not stand still',
    stopped,
    [0, 100, 200, 300, 400].map((at) => ({ at, place: moved(at) })),
    [],
  ],
  [
    'a truck that stands still again fires again',
    stopped,
    [0, 300, 310, 610].map((at, n) => ({ at, place: moved(n < 2 ? 0 : 5_000) })),
    ['1', '3'],
  ],
  [
    'standing still where it may',
    { ...stopped, area },
    [
      { at: 0, place: outside },
      { at: 900, place: outside },
    ],
    [],
  ],
  [
    'standing still counts by the device’s time',
    stopped,
    [
      { at: 0, taken: -600 },
      { at: 1, taken: -200 },
    ],
    ['1'],
  ],
  [
    'harsh braking',
    braking,
    [
      { at: 0, speedKmh: 80 },
      { at: 2, speedKmh: 40 },
      { at: 3, speedKmh: 40 },
    ],
    ['1'],
  ],
  [
    'soft braking',
    braking,
    [
      { at: 0, speedKmh: 80 },
      { at: 5, speedKmh: 40 },
    ],
    [],
  ],
  [
    'braking between distant positions is unknown',
    braking,
    [
      { at: 0, speedKmh: 200 },
      { at: 11, speedKmh: 0 },
    ],
    [],
  ],
  [
    'braking is measured by the device’s time',
    braking,
    [
      { at: 0, speedKmh: 80 },
      { at: 2, taken: 1, speedKmh: 60 },
    ],
    ['1'],
  ],
  [
    'acceleration is no braking',
    braking,
    [
      { at: 0, speedKmh: 0 },
      { at: 1, speedKmh: 80 },
    ],
    [],
  ],
  ['low battery fires once', lowBattery, batteries(25, 19, 21, 15), ['1']],
  ['low battery fires again after charging', lowBattery, batteries(19, 22, 19), ['0', '2']],
  ['a position without its battery changes nothing', lowBattery, batteries(19, undefined, 18), ['0']],
  [
    'low fuel',
    { kind: 'low-fuel', belowPct: 10 },
    [
      { at: 0, fuelPct: 50 },
      { at: 1, fuelPct: 9.5 },
    ],
    ['1'],
  ],
  [
    'ignition at night',
    { kind: 'ignition', schedule: { timeZone: 'UTC', from: '12:01', to: '12:03' } },
    [
      { at: 0, ignition: true },
      { at: 60, ignition: true },
      { at: 90 },
      { at: 100, ignition: false },
      { at: 110, ignition: true },
    ],
    ['1', '4'],
  ], // prettier-ignore
  [
    'speeding outside the schedule waits for it',
    { ...speeding, schedule: noon },
    [0, 59, 60, 119, 120].map((at) => ({ at, speedKmh: 95 })),
    ['2'],
  ],
  [
    'leaving outside the schedule is over when it begins',
    { ...exit, schedule: noon },
    [{ at: 0 }, { at: 30, place: outside }, { at: 61, place: outside }],
    [],
  ],
  ['leaving within the schedule', { ...exit, schedule: noon }, [{ at: 0 }, { at: 61, place: outside }], ['1']],
  [
    'a cool-down swallows alerts',
    { ...speeding, coolDownSeconds: 60 },
    [0, 10, 20, 30, 59, 60, 70].map((at, n) => ({ at, speedKmh: n % 2 === 0 ? 95 : 50 })),
    ['0', '6'],
  ],
  ['another truck', { ...speeding, trucks: { ids: ['t-2'] } }, speeds(95), []],
  ['a group of trucks', { ...speeding, trucks: { pattern: 't-*' } }, speeds(95), ['0']],
  ['a named truck', { ...speeding, trucks: { ids: ['t-1', 't-2'] } }, speeds(95), ['0']],
  ['a disabled rule', { ...speeding, enabled: false }, speeds(95), []],
])('%s', (_, condition, sent, expected) => {
  expect(fired([rule(condition)], sent)).toEqual(expected);
});

const late = { ...speeding, alertLate: true } as const;
const lateExit = { ...exit, alertLate: true } as const;

test.each<[string, Wanted, readonly Sent[], readonly string[]]>([
  [
    'raises nothing where the rule does not ask for it',
    speeding,
    [{ at: 600 }, { at: 601, taken: 100, speedKmh: 140 }],
    [],
  ],
  [
    'raises one late alert for one speeding',
    late,
    [
      { at: 600, speedKmh: 50 },
      { at: 601, taken: 100, speedKmh: 140 },
      { at: 602, taken: 90, speedKmh: 141 },
    ],
    ['1 late'],
  ],
  [
    'raises no alert twice, if it is repeated',
    late,
    [
      { at: 600, speedKmh: 50 },
      { at: 601, taken: 100, speedKmh: 140 },
      { at: 602, taken: 100, speedKmh: 140 },
    ],
    ['1 late'],
  ],
  [
    'belongs to a speeding that was already raised',
    late,
    [
      { at: 0, speedKmh: 140 },
      { at: 20, speedKmh: 140 },
      { at: 30, speedKmh: 50 },
      { at: 31, taken: 10, speedKmh: 150 },
    ],
    ['0'],
  ],
  [
    'is another speeding if slow driving is between',
    late,
    [
      { at: 0, speedKmh: 140 },
      { at: 10, speedKmh: 50 },
      { at: 600, speedKmh: 50 },
      { at: 601, taken: 300, speedKmh: 140 },
    ],
    ['0', '3 late'],
  ],
  [
    'shows that a truck had left, and returned',
    lateExit,
    [{ at: 0 }, { at: 600 }, { at: 601, taken: 300, place: outside }, { at: 602, taken: 240, place: outside }],
    ['2 late'],
  ],
  ['outside before all others is no leaving', lateExit, [{ at: 600 }, { at: 601, taken: 300, place: outside }], []],
  [
    'keeps the cool-down in both directions',
    { ...late, coolDownSeconds: 1_000 },
    [
      { at: 500, speedKmh: 50 },
      { at: 600, speedKmh: 140 },
      { at: 601, taken: 100, speedKmh: 140 },
    ],
    ['1'],
  ],
])('a late position %s', (_, condition, sent, expected) => {
  expect(fired([rule(condition)], sent)).toEqual(expected);
});

test('a late position changes neither the present state nor what comes next', () => {
  const rules = [rule({ ...stopped, id: 's' }), rule({ ...exit, id: 'e' }), rule({ ...late, id: 'l' })];
  const stored = { at: 301, taken: 10, place: outside, speedKmh: 10 };
  const withLate = fired(rules, [{ at: 0 }, { at: 300 }, stored, { at: 302 }, { at: 303, place: outside }]);
  const without = fired(rules, [{ at: 0 }, { at: 300 }, { at: 302 }, { at: 303, place: outside }]);
  expect(withLate).toEqual(['1', '4']);
  expect(without).toEqual(['1', '3']);
});

test('an alert names its rule, and a late one has its own time', () => {
  const set = new RuleSet(1, [rule(late)]);
  const at = (heardMs: number, takenMs: number, speedKmh: number, offset: number) => ({
    partition: 4,
    offset,
    heardMs,
    position: { truckId: 't-1', ts: new Date(takenMs).toISOString(), source: 'milepost', ...inside, speedKmh },
  });
  const first = heard(set, undefined, at(startMs, startMs, 50, 6));
  const { alerts } = heard(set, first.state, at(startMs + 1000, startMs - 60_000, 140, 7));
  expect(alerts).toEqual([
    {
      alertId: 'r-4-7',
      rule: 'r',
      ruleName: 'the rule',
      ruleVersion: 3,
      kind: 'speeding',
      truckId: 't-1',
      ts: '2026-11-24T11:59:00.000Z',
      message: 't-1 drives 140 km/h, limit 90',
      position: expect.objectContaining({ speedKmh: 140 }),
      late: true,
    },
  ]);
});

test.each([
  { condition: enter, from: outside, to: inside, event: 'enter' },
  { condition: exit, from: inside, to: outside, event: 'exit' },
  { condition: speeding, from: inside, to: inside, event: undefined },
])('an alert of a geofence names its event: $event', ({ condition, from, to, event }) => {
  const set = new RuleSet(1, [rule(condition)]);
  const at = (offset: number, place: object, speedKmh: number) => ({
    partition: 0,
    offset,
    heardMs: startMs + offset,
    position: {
      truckId: 't-1',
      ts: new Date(startMs + offset).toISOString(),
      source: 'milepost',
      ...inside,
      ...place,
      speedKmh,
    },
  });
  const first = heard(set, undefined, at(0, from, 50));
  const { alerts } = heard(set, first.state, at(1, to, 140));
  expect(alerts.map((alert) => alert.event)).toEqual([event]);
});

test('a changed rule starts afresh', () => {
  const at = (offset: number) => ({
    partition: 0,
    offset,
    heardMs: startMs + offset,
    position: {
      truckId: 't-1',
      ts: new Date(startMs + offset).toISOString(),
      source: 'milepost',
      ...inside,
      speedKmh: 95,
    },
  });
  const before = heard(new RuleSet(1, [rule(speeding)]), undefined, at(0));
  expect(heard(new RuleSet(2, [rule(speeding)]), before.state, at(1)).alerts).toEqual([]);
  expect(heard(new RuleSet(2, [rule({ ...speeding, version: 4 } as Wanted)]), before.state, at(1)).alerts).toHaveLength(
    1,
  );
});

test('the state of a rule that is gone is forgotten, and a rule may have any name of an object’s property', () => {
  const named = rule({ ...speeding, id: 'constructor' });
  const sent = { partition: 0, offset: 0, heardMs: startMs };
  const position = { truckId: 't-1', ts: new Date(startMs).toISOString(), source: 'milepost', ...inside };
  const fast = heard(new RuleSet(1, [named]), undefined, { ...sent, position: { ...position, speedKmh: 95 } });
  expect(fast.alerts.map(({ rule: id }) => id)).toEqual(['constructor']);
  expect(heard(new RuleSet(2, []), fast.state, { ...sent, offset: 1, position }).state.rules).toEqual({});
});
