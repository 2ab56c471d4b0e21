import { bearingDeg, boxAround, distanceM, isInBox } from './index.ts';

const gothenburg = { lat: 57.7089, lon: 11.9746 };
const stockholm = { lat: 59.3293, lon: 18.0686 };

test('distances are those of the globe', () => {
  expect(distanceM(gothenburg, stockholm)).toBeCloseTo(397_900, -3.5);
  expect(distanceM({ lat: 0, lon: 0 }, { lat: 0, lon: 1 })).toBeCloseTo(111_195, 0);
  expect(distanceM({ lat: 0, lon: 179.5 }, { lat: 0, lon: -179.5 })).toBeCloseTo(111_195, 0);
  expect(distanceM({ lat: 0, lon: 0 }, { lat: 0, lon: 180 })).toBeCloseTo(Math.PI * 6_371_008.8, 0);
  expect(distanceM(gothenburg, gothenburg)).toBe(0);
});

test('a distance of one meter is one meter', () => {
  expect(distanceM(gothenburg, { ...gothenburg, lat: gothenburg.lat + 1 / 111_195 })).toBeCloseTo(1, 3);
});

test.each([
  [{ lat: 1, lon: 0 }, 0],
  [{ lat: 0, lon: 1 }, 90],
  [{ lat: -1, lon: 0 }, 180],
  [{ lat: 0, lon: -1 }, 270],
  [{ lat: 0, lon: 0 }, 0],
])('from the origin to %j is %i degrees', (to, degrees) => {
  expect(bearingDeg({ lat: 0, lon: 0 }, to)).toBeCloseTo(degrees, 9);
});

test('boxes', () => {
  const box = boxAround([gothenburg, stockholm]);
  expect(box).toEqual({ west: 11.9746, south: 57.7089, east: 18.0686, north: 59.3293 });
  expect(boxAround([])).toBeUndefined();
  const pacific = { west: 170, south: -10, east: -170, north: 10 };
  expect(isInBox({ lat: 0, lon: 175 }, pacific)).toBe(true);
  expect(isInBox({ lat: 0, lon: -175 }, pacific)).toBe(true);
  expect(isInBox({ lat: 0, lon: 0 }, pacific)).toBe(false);
  expect(isInBox({ lat: 11, lon: 175 }, pacific)).toBe(false);
});
