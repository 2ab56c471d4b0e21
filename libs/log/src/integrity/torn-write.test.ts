import { hasHole } from './torn-write.ts';

const PAGE = 4096;

function fileOf(bytes: Buffer) {
  return {
    sizeBytes: bytes.length,
    read: (position: number, target: Uint8Array) => bytes.copy(target, 0, position, position + target.length),
  };
}

const full = () => Buffer.alloc(3 * PAGE, 7);

test('only zeros are a hole, and a few zeros are not', () => {
  const bytes = full().fill(0, 100, 600);
  expect(hasHole(fileOf(bytes), 90, 3 * PAGE)).toBe(false);
});

test('a page that did not arrive is a hole from its first new byte on', () => {
  expect(hasHole(fileOf(full().fill(0, PAGE, 2 * PAGE)), 500, 3 * PAGE)).toBe(true);
  expect(hasHole(fileOf(full().fill(0, 500, PAGE)), 500, 2 * PAGE + 9)).toBe(true);
  expect(hasHole(fileOf(full().fill(0, 500, PAGE)), 400, 2 * PAGE + 9)).toBe(false);
});

test('a page that holds the beginning of an intact batch has arrived', () => {
  const bytes = full().fill(0, PAGE, PAGE + 50);
  expect(hasHole(fileOf(bytes), 500, PAGE + 50)).toBe(false);
  expect(hasHole(fileOf(bytes.subarray(0, PAGE + 50)), 500, PAGE + 50)).toBe(true); // no intact batch follows
});

test('the few bytes of a batch in the previous page may be zeros anyway', () => {
  expect(hasHole(fileOf(full().fill(0, PAGE - 6, PAGE)), PAGE - 6, 2 * PAGE)).toBe(false);
});
