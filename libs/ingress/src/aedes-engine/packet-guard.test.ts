import { PacketGuard } from './packet-guard.ts';

/** A packet of this length after its fixed header. */
function packet(length: number): Buffer {
  const header = [0x30];
  let left = length;
  do {
    header.push((left & 127) | (left > 127 ? 128 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from(header), Buffer.alloc(length, 0xff)]);
}

const cut = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size));

test.each([1, 2, 3, 7, 100, 100_000])('packets up to the limit pass, cut into pieces of %d bytes', (size) => {
  const guard = new PacketGuard(20_004);
  const stream = Buffer.concat([0, 1, 127, 128, 16_383, 16_384, 20_000, 5].map(packet));
  expect(cut(stream, size).every((piece) => guard.admits(piece))).toBe(true);
});

test.each([1, 2, 1000])('one byte more is refused from its header on, cut into pieces of %d bytes', (size) => {
  const guard = new PacketGuard(20_004);
  const [first, large] = [packet(300), packet(20_001)];
  const pieces = cut(Buffer.concat([first, large.subarray(0, 4)]), size);
  const admitted = pieces.map((piece) => guard.admits(piece));
  expect(admitted.at(-1)).toBe(false);
  expect(admitted.slice(0, -1)).not.toContain(false);
});
