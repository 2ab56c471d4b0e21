import type { LonLat } from '@milepost/fleet';
import { insideArea, insideCorridor } from './area.ts';
import type { Area } from './rule.ts';
import { matchesPattern } from './rule-set.ts';

const ring = (west: number, south: number, east: number, north: number): LonLat[] => [
  [west, south],
  [east, south],
  [east, north],
  [west, north],
  [west, south],
];
const donut: Area = { type: 'Polygon', coordinates: [ring(10, 50, 14, 54), ring(11, 51, 13, 53)] };
const reversed: Area = { type: 'Polygon', coordinates: donut.coordinates.map((points) => [...points].reverse()) };
const fiji: Area = { type: 'Polygon', coordinates: [ring(177, -20, -178, -16), ring(179.5, -19, -179.5, -17)] };
const cut: Area = { type: 'MultiPolygon', coordinates: [[ring(177, -20, 180, -16)], [ring(-180, -20, -178, -16)]] };
const circle: Area = { type: 'Circle', center: [179.999, 0], radiusM: 1_000 };

test.each<[string, Area, LonLat, boolean]>([
  ['a polygon', donut, [10.5, 52], true],
  ['the hole of a polygon', donut, [12, 52], false],
  ['the outside of a polygon', donut, [14.5, 52], false],
  ['a polygon drawn clockwise', reversed, [10.5, 52], true],
  ['the hole of a polygon drawn clockwise', reversed, [12, 52], false],
  ['the outside of a polygon, south of it', donut, [12, 49], false],
  ['a polygon over the antimeridian, west of it', fiji, [178, -18], true],
  ['a polygon over the antimeridian, east of it', fiji, [-178.5, -18], true],
  ['a hole on the antimeridian', fiji, [180, -18], false],
  ['a hole on the antimeridian, east of it', fiji, [-179.8, -18], false],
  ['the other side of the Earth', fiji, [0, -18], false],
  ['a polygon that is cut at the antimeridian', cut, [-179.9, -18], true],
  ['the outside of one that is cut at the antimeridian', cut, [-177, -18], false],
  ['a circle over the antimeridian', circle, [-179.998, 0], true],
  ['the outside of a circle', circle, [-179.98, 0], false],
])('%s', (_, area, [lon, lat], expected) => {
  expect(insideArea(area)({ lat, lon })).toBe(expected);
});

test.each<[string, readonly LonLat[], LonLat, boolean]>([
  [
    'on the line',
    [
      [11, 57],
      [12, 57],
    ],
    [11.5, 57],
    true,
  ], // prettier-ignore
  [
    '90 m beside it',
    [
      [11, 57],
      [12, 57],
    ],
    [11.5, 57.00081],
    true,
  ], // prettier-ignore
  [
    '110 m beside it',
    [
      [11, 57],
      [12, 57],
    ],
    [11.5, 57.001],
    false,
  ], // prettier-ignore
  [
    'beyond its end',
    [
      [11, 57],
      [12, 57],
    ],
    [12.01, 57],
    false,
  ], // prettier-ignore
  [
    'near its second part',
    [
      [11, 57],
      [12, 57],
      [12, 58],
    ],
    [12.001, 57.5],
    true,
  ], // prettier-ignore
  [
    'over the antimeridian',
    [
      [179.9, 0],
      [-179.9, 0],
    ],
    [-179.95, 0.0005],
    true,
  ], // prettier-ignore
  [
    'on the other side of the Earth',
    [
      [179.9, 0],
      [-179.9, 0],
    ],
    [0, 0],
    false,
  ], // prettier-ignore
])('a corridor of 200 m: %s', (_, line, [lon, lat], expected) => {
  expect(insideCorridor(line, 200)({ lat, lon })).toBe(expected);
});

test.each([
  ['*', 't-1', true],
  ['north-*', 'north-7', true],
  ['north-*', 'south-7', false],
  ['t-?', 't-1', true],
  ['t-?', 't-12', false],
  ['*-7', 'north-17', false],
  ['*-7', 'north-1-7', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-b-b', false],
  ['', 't', false],
])('the pattern %s and the truck %s: %p', (pattern, truckId, expected) => {
  expect(matchesPattern(pattern, truckId)).toBe(expected);
});

test('a pattern that nearly matches takes no exponential time', () => {
  expect(matchesPattern(`${'*a'.repeat(60)}b`, 'a'.repeat(128))).toBe(false);
});
