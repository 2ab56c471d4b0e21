import { readRule, readRules, RuleInvalid } from './index.ts';

const square = [
  [1, 1],
  [2, 1],
  [2, 2],
  [1, 2],
  [1, 1],
]; // prettier-ignore
const polygon = (...coordinates: unknown[]) => ({ type: 'Polygon', coordinates });
const fence = (area: unknown) => ({ id: 'r', kind: 'geofence', event: 'exit', area });
const head = { id: 'r', name: 'r', enabled: true, trucks: 'all' };

test.each([
  [{ kind: 'speeding', limitKmh: 90 }],
  [{ kind: 'speeding', limitKmh: 30, area: { type: 'Circle', center: [11.9, 57.7], radiusM: 300 } }],
  [{ kind: 'geofence', event: 'enter', area: polygon(square) }],
  [{ kind: 'geofence', event: 'exit', area: { type: 'MultiPolygon', coordinates: [[square]] }, alertLate: true }],
  [
    {
      kind: 'corridor',
      line: [
        [1, 1],
        [2, 2],
      ],
      widthM: 200,
    },
  ], // prettier-ignore
  [{ kind: 'silence', afterSeconds: 300, coolDownSeconds: 3_600 }],
  [{ kind: 'stopped', afterSeconds: 900, radiusM: 50 }],
  [{ kind: 'harsh-braking', decelerationMps2: 4 }],
  [{ kind: 'low-battery', belowPct: 20 }],
  [{ kind: 'low-fuel', belowPct: 10, trucks: { pattern: 'north-*' } }],
  [{ kind: 'ignition', schedule: { timeZone: 'Europe/Stockholm', days: ['mon', 'sun'], from: '22:00', to: '05:00' } }],
])('%j is a rule, and is read again as it was written', (condition) => {
  const rule = readRule({ id: 'r', ...condition });
  expect(rule).toEqual({ ...head, ...condition });
  expect(readRule({ ...rule, version: 7 })).toEqual(rule);
});

test('what is left out has its default', () => {
  expect(readRule({ id: 'r', kind: 'stopped', afterSeconds: 60 })).toEqual({
    ...head,
    kind: 'stopped',
    afterSeconds: 60,
    radiusM: 100,
  });
});

test('an area is taken from GeoJSON, whatever holds it', () => {
  const feature = { type: 'Feature', properties: {}, geometry: polygon(square) };
  const collection = { type: 'FeatureCollection', features: [feature, feature] };
  expect(readRule(fence(feature))).toMatchObject({ area: polygon(square) });
  expect(readRule(fence(collection))).toMatchObject({
    area: { type: 'MultiPolygon', coordinates: [[square], [square]] },
  });
  const line = {
    type: 'LineString',
    coordinates: [
      [1, 1],
      [2, 2],
    ],
  }; // prettier-ignore
  expect(readRule({ id: 'r', kind: 'corridor', line, widthM: 10 })).toMatchObject({ line: line.coordinates });
});

test.each<[unknown, RegExp]>([
  ['text', /^the rule: expected a JSON object; saw text$/],
  [{ id: 'r' }, /^kind: expected one of speeding, .*; saw nothing$/],
  [{ id: 'r', kind: 'constructor' }, /^kind: expected one of/],
  [{ kind: 'silence', afterSeconds: 60 }, /^id: expected 1 to 64 of a-z 0-9 -; saw nothing$/],
  [{ id: 'A b', kind: 'silence', afterSeconds: 60 }, /^id: .*; saw A b$/],
  [{ id: 'r', kind: 'speeding' }, /^limitKmh: expected a number from 1 to 2000 \(km\/h\); saw nothing$/],
  [{ id: 'r', kind: 'speeding', limitKmh: '90' }, /^limitKmh: .*; saw 90$/],
  [{ id: 'r', kind: 'speeding', limit: 90 }, /^limit: expected a field of a rule of kind speeding \(/],
  [{ id: 'r', kind: 'silence', afterSeconds: 1 }, /^afterSeconds: expected a number from 10/],
  [
    { id: 'r', kind: 'silence', afterSeconds: 60, alertLate: true },
    /^alertLate: expected it absent: a rule of kind silence/,
  ],
  [
    { id: 'r', kind: 'silence', afterSeconds: 60, name: 'a\nb' },
    /^name: expected a text of 1 to 100 characters in one line/,
  ],
  [{ id: 'r', kind: 'silence', afterSeconds: 60, trucks: ['t-1'] }, /^trucks: expected "all", /],
  [{ id: 'r', kind: 'silence', afterSeconds: 60, trucks: { ids: [] } }, /^trucks.ids: expected a list of 1 to 10000/],
  [{ id: 'r', kind: 'silence', afterSeconds: 60, trucks: { ids: ['a b'] } }, /^trucks.ids\[0\]: expected a truck id/],
  [{ id: 'r', kind: 'silence', afterSeconds: 60, trucks: { pattern: '[a-z]' } }, /^trucks.pattern: /],
  [{ id: 'r', kind: 'ignition' }, /^schedule: expected when the ignition should be off/],
  [
    { id: 'r', kind: 'ignition', schedule: { timeZone: 'Mars/Base' } },
    /^schedule.timeZone: expected an IANA time zone/,
  ],
  [
    { id: 'r', kind: 'ignition', schedule: { timeZone: 'UTC', from: '22:00' } },
    /^schedule: expected from and to, or neither/,
  ],
  [
    { id: 'r', kind: 'ignition', schedule: { timeZone: 'UTC', from: '22:00', to: '24:00' } },
    /^schedule.to: expected a local time/,
  ],
  [
    { id: 'r', kind: 'ignition', schedule: { timeZone: 'UTC', days: ['monday'] } },
    /^schedule.days: expected a list of mon,/,
  ],
  [{ id: 'r', kind: 'corridor', line: [[1, 1]], widthM: 5 }, /^line: expected at least 2 points; saw 1$/],
  [fence(undefined), /^area: expected GeoJSON .*; saw nothing$/],
  [fence({ type: 'Point', coordinates: [1, 1] }), /^area: expected GeoJSON/],
  [
    fence(
      polygon([
        [1, 1],
        [2, 1],
        [2, 2],
        [1, 2],
      ]),
    ),
    /^area.coordinates\[0\]: expected a closed ring, .*\[1,1\]; saw \[1,2\]$/,
  ], // prettier-ignore
  [
    fence(
      polygon([
        [1, 1],
        [2, 1],
        [1, 1],
      ]),
    ),
    /^area.coordinates\[0\]: expected at least 3 different points; saw 2$/,
  ], // prettier-ignore
  [
    fence(
      polygon([
        [1, 1],
        [2, 2],
        [2, 1],
        [1, 2],
        [1, 1],
      ]),
    ),
    /^area: expected rings that cross neither themselves/,
  ], // prettier-ignore
  [
    fence(
      polygon(square, [
        [1.5, 1.5],
        [3, 1.5],
        [3, 1.7],
        [1.5, 1.5],
      ]),
    ),
    /^area: expected rings that cross neither/,
  ], // prettier-ignore
  [
    fence(
      polygon([
        [1, 1],
        [2, 2],
        [3, 3],
        [1, 1],
      ]),
    ),
    /^area: expected rings that enclose an area/,
  ], // prettier-ignore
  [
    fence(
      polygon([
        [1, 1],
        [190, 1],
        [2, 2],
        [1, 1],
      ]),
    ),
    /^area.coordinates\[0\]\[1\]: expected a longitude from -180 to 180 \(190 is written -170\); saw 190$/,
  ], // prettier-ignore
  [
    fence(
      polygon([
        [1, 1],
        [2, 91],
        [2, 2],
        [1, 1],
      ]),
    ),
    /^area.coordinates\[0\]\[1\]: expected a latitude/,
  ], // prettier-ignore
  [
    fence(
      polygon([
        [1, 1],
        ['2', 1],
        [2, 2],
        [1, 1],
      ]),
    ),
    /^area.coordinates\[0\]\[1\]: expected \[lon, lat\] in degrees/,
  ], // prettier-ignore
  [
    fence(
      polygon([
        [0, 80],
        [120, 80],
        [-120, 80],
        [0, 80],
      ]),
    ),
    /^area: expected an area without a pole inside/,
  ], // prettier-ignore
  [fence({ type: 'Circle', center: [1, 1], radiusM: 0 }), /^area.radiusM: expected meters/],
  [fence({ type: 'MultiPolygon', coordinates: [] }), /^area: expected at least one polygon/],
  [
    fence(polygon(Array.from({ length: 2_002 }, (_, n) => [n / 100, n % 2]))),
    /^area.coordinates\[0\]: expected at most 2000 points/,
  ],
])('%j is refused', (document, line) => {
  expect(() => readRule(document)).toThrow(RuleInvalid);
  expect(() => readRule(document)).toThrow(line);
});

test('in a file the wrong rule is named by its place, and an id that is there twice is refused', () => {
  const silence = { id: 'a', kind: 'silence', afterSeconds: 60 };
  expect(readRules({ rules: [silence] }, 5)).toHaveLength(1);
  expect(readRules([silence], 5)).toHaveLength(1);
  expect(() => readRules([silence, { ...silence, id: 'b', afterSeconds: 0 }], 5)).toThrow(
    /^rules\[1\]\.afterSeconds: /,
  );
  expect(() => readRules([silence, silence], 5)).toThrow(/^rules\[1\]\.id: expected each id once; saw a$/);
  expect(() => readRules({}, 5)).toThrow(/^rules: expected a JSON list of rules/);
  expect(() => readRules([silence, silence], 1)).toThrow(/^rules: expected at most 1; saw 2$/);
});
