import { Verified } from './verified.ts';

test('an added stretch is checked up to its end', () => {
  const verified = new Verified();
  verified.add(100, 200);
  expect([50, 100, 150, 199, 200].map((at) => verified.end(at, 0))).toEqual([50, 200, 200, 200, 200]);
});

test('stretches that touch or overlap become one, whatever their order', () => {
  const verified = new Verified();
  for (const [from, to] of [
    [400, 500],
    [0, 100],
    [200, 300],
    [90, 210],
    [300, 400],
  ] as const)
    verified.add(from, to);
  expect(verified.end(0, 0)).toBe(500);
});

test('stretches agree with a plain set of bytes, over random additions and cuts', () => {
  let seed = 1;
  const below = (limit: number): number => (seed = (seed * 48_271) % 0x7fff_ffff) % limit;
  const verified = new Verified();
  let bytes = new Set<number>();
  for (let step = 0; step < 2_000; step++) {
    const from = below(200);
    const to = from + 1 + below(20);
    if (below(20) === 0) {
      verified.cut(from);
      bytes = new Set([...bytes].filter((byte) => byte < from));
    } else {
      verified.add(from, to);
      for (let byte = from; byte < to; byte++) bytes.add(byte);
    }
    const at = below(230);
    let end = at;
    while (bytes.has(end)) end++;
    expect(verified.end(at, 0)).toBe(end);
  }
});

test('after ten minutes everything is checked again', () => {
  const verified = new Verified();
  verified.add(0, 100);
  expect(verified.end(0, 600_000)).toBe(100);
  expect(verified.end(0, 600_001)).toBe(0);
  verified.add(0, 100);
  expect(verified.end(0, 1_200_001)).toBe(100);
});

test('stretches beyond the limit are not taken for checked', () => {
  const verified = new Verified();
  for (let n = 0; n < 100; n++) verified.add(n * 10, n * 10 + 5);
  expect(Array.from({ length: 100 }, (_, n) => verified.end(n * 10, 0) - n * 10).filter(Boolean)).toHaveLength(32);
});
