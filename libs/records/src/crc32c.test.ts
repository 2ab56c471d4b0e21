import { crc32c as native } from '@node-rs/crc32';
import { crc32c, sliced } from './crc32c.ts';

// RFC 3720, B.4, and the customary "check" value.
const vectors: [string, Buffer, number][] = [
  ['32 bytes of zeros', Buffer.alloc(32), 0x8a91_36aa],
  ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8_ab43],
  ['0..31', Buffer.from(Array.from({ length: 32 }, (_, n) => n)), 0x46dd_794e],
  ['31..0', Buffer.from(Array.from({ length: 32 }, (_, n) => 31 - n)), 0x113f_db5c],
  ['"123456789"', Buffer.from('123456789'), 0xe306_9283],
  ['nothing', Buffer.alloc(0), 0],
];

test.each(vectors)('the checksum of %s is the published one', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
  expect(sliced(bytes)).toBe(expected);
});

test('the fallback agrees with the native one at every length and alignment', () => {
  const bytes = Buffer.from(Array.from({ length: 300 }, (_, n) => (n * n * 31 + 7) & 0xff));
  for (let start = 0; start < 20; start++)
    for (let end = start; end <= bytes.length; end++) {
      const part = bytes.subarray(start, end);
      expect(sliced(part)).toBe(native(part));
    }
});

test('a checksum continues from that of the previous bytes', () => {
  const bytes = Buffer.from('a batch in two pieces, of which the second is the longer one');
  for (const [first, second] of [0, 1, 15, 16, 17, bytes.length].map(
    (at) => [bytes.subarray(0, at), bytes.subarray(at)] as const,
  )) {
    expect(crc32c(second, crc32c(first))).toBe(crc32c(bytes));
    expect(sliced(second, sliced(first))).toBe(crc32c(bytes));
  }
});
