import { isTruckId, mapTruckId } from './index.ts';

test('a name of the right alphabet is the truck id', () => {
  expect(mapTruckId(['Volvo_FH.16-a'])).toEqual({ truckId: 'Volvo_FH.16-a' });
});

test('user and device join, and the original is preserved', () => {
  expect(mapTruckId(['anna', 'phone'])).toEqual({ truckId: 'anna-phone', original: 'anna/phone' });
});

test('other names map to an id, different names to different ids, the same name to the same id', () => {
  const names = ['Bil 7', 'Bil/7', 'Bil-7', 'Bil  7', 'Ünïmog', '🚚', 'x'.repeat(129), 'x'.repeat(130), "'; drop"];
  const ids = names.map((name) => mapTruckId([name])?.truckId ?? '');
  expect(ids.filter((id) => !isTruckId(id))).toEqual([]);
  expect(new Set(ids).size).toBe(names.length);
  expect(mapTruckId(['Bil 7'])).toEqual({ truckId: ids[0], original: 'Bil 7' });
});

test('an empty level names no truck', () => {
  expect(mapTruckId([''])).toBeUndefined();
  expect(mapTruckId(['anna', ''])).toBeUndefined();
  expect(mapTruckId([])).toBeUndefined();
});

test('128 characters are the limit', () => {
  expect(isTruckId('x'.repeat(128))).toBe(true);
  expect(isTruckId('x'.repeat(129))).toBe(false);
  expect(isTruckId('')).toBe(false);
});
