import { readAddress, writeAddress } from './address.ts';

test('a view and a truck are read as they were written', () => {
  const address = { view: { zoom: 13.5, lat: -57.7055, lon: 11.967 }, truckId: 'depot.7_a-b' };
  expect(writeAddress(address)).toBe('#map=13.5/-57.70550/11.96700&truck=depot.7_a-b');
  expect(readAddress(writeAddress(address))).toEqual(address);
});

test('an address without anything has neither', () => {
  expect(writeAddress({ view: undefined, truckId: undefined })).toBe('#');
  expect(readAddress('')).toEqual({ view: undefined, truckId: undefined });
});

test.each([
  '#map=13/91/11',
  '#map=13/57',
  '#map=a/b/c',
  '#map=1e9/57/11',
  '#map=13/57/11/9',
  '#map=../57/11',
  '#panel',
])('%s is no view', (hash) => {
  expect(readAddress(hash).view).toBeUndefined();
});
