import { KeyOffsets } from './key-offsets.ts';

const key = (n: number) => Buffer.from(`key ${n}`);

test('the last offset put for a key is returned, for as many keys as fit', () => {
  const map = new KeyOffsets({ mostBytes: 24 * 1_000, loadFactor: 0.9, expectedKeys: 100_000 });
  for (let n = 0; n < 900; n++) expect(map.put(key(n), n)).toBe(true);
  for (let n = 0; n < 900; n += 7) expect(map.put(key(n), 10_000 + n)).toBe(true);
  expect(map.put(key(900), 900)).toBe(false);
  expect(map.size).toBe(900);
  for (let n = 0; n < 900; n++) expect(map.get(key(n))).toBe(n % 7 === 0 ? 10_000 + n : n);
  expect(map.get(key(900))).toBe(-1);
  expect(map.get(Buffer.alloc(0))).toBe(-1);
});

test('offsets beyond 32 bits and the offset 0 are stored', () => {
  const map = new KeyOffsets({ mostBytes: 1_000, loadFactor: 0.9, expectedKeys: 4 });
  map.put(key(0), 0);
  map.put(key(1), 2 ** 52);
  expect([map.get(key(0)), map.get(key(1))]).toEqual([0, 2 ** 52]);
});
