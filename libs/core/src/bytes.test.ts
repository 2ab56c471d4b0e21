import {
  ByteReader,
  ByteWriter,
  GatherWriter,
  MalformedMessage,
  NO_OFFSET,
  uuidFromBase64,
  uuidToBase64,
  Uuid,
} from './index.ts';

test('a reader reads what a writer wrote', () => {
  const writer = new ByteWriter(1);
  const longs = [0, 1, -1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53 - 1)];
  for (const value of longs) writer.long(value);
  const edges = [6, 13, 20, 27, 31, 34].flatMap((bits) => [2 ** bits - 1, 2 ** bits, -(2 ** bits), -(2 ** bits) - 1]);
  for (const value of [...longs, ...edges]) writer.varlong(value);
  const ints = [0, 1, -1, 127, 128, 300, 2 ** 31 - 1, -(2 ** 31)];
  for (const value of ints) writer.varint(value);
  writer.uvarint(2 ** 32 - 1);
  writer.uuid('01234567-89ab-cdef-0123-456789abcdef');
  const reader = new ByteReader(writer.finish());
  expect(longs.map(() => reader.long())).toEqual(longs);
  expect([...longs, ...edges].map(() => reader.varlong())).toEqual([...longs, ...edges]);
  expect(ints.map(() => reader.varint())).toEqual(ints);
  expect(reader.uvarint()).toBe(2 ** 32 - 1);
  expect(reader.uuid()).toBe('01234567-89ab-cdef-0123-456789abcdef');
  expect(reader.remaining).toBe(0);
});

test('a writer that grows in the middle of any value keeps all bytes', () => {
  const writes: [string, (writer: ByteWriter) => void][] = [
    ['7f', (writer) => writer.int8(0x7f)],
    ['0102', (writer) => writer.int16(0x0102)],
    ['f1f2', (writer) => writer.uint16(0xf1f2)],
    ['01020304', (writer) => writer.int32(0x0102_0304)],
    ['f1020304', (writer) => writer.uint32(0xf102_0304)],
    ['0102030405060708', (writer) => writer.int64(0x0102_0304_0506_0708n)],
    ['3ff0000000000000', (writer) => writer.float64(1)],
    ['ffffffff0f', (writer) => writer.uvarint(2 ** 32 - 1)],
    ['feffffffffffff0f', (writer) => writer.varlong(2 ** 52 - 1)],
    ['616263', (writer) => writer.utf8('abc', 3)],
    ['aabbcc', (writer) => writer.raw(Buffer.from('aabbcc', 'hex'))],
  ];
  for (const [expected, write] of writes)
    for (let sizeBytes = 0; sizeBytes < expected.length / 2; sizeBytes++) {
      const writer = new ByteWriter(sizeBytes);
      write(writer);
      expect(writer.finish().toString('hex')).toBe(expected);
    }
});

test('a long beyond 2^53 saturates instead of turning into another number', () => {
  const bytes = Buffer.alloc(16, 0xff);
  bytes[0] = 0x7f;
  bytes[8] = 0x80;
  const reader = new ByteReader(bytes);
  expect(reader.long()).toBe(Number.MAX_SAFE_INTEGER);
  expect(reader.long()).toBe(Number.MIN_SAFE_INTEGER);
});

test.each([
  ['an int32 of three bytes', [0, 0, 0], (r: ByteReader) => r.int32()],
  ['a varint without an end', [255, 255, 255, 255, 255, 255], (r: ByteReader) => r.uvarint()],
  ['a varint wider than 32 bits', [255, 255, 255, 255, 127], (r: ByteReader) => r.uvarint()],
  ['a count that the bytes cannot hold', [1, 2], (r: ByteReader) => r.count(3)],
  ['a negative length', [1, 2], (r: ByteReader) => r.slice(-2)],
])('%s is malformed', (_, bytes, read) => {
  expect(() => read(new ByteReader(Buffer.from(bytes)))).toThrow(MalformedMessage);
});

test('Kafka prints UUIDs as 22 characters', () => {
  const uuid = Uuid('01234567-89ab-cdef-0123-456789abcdef');
  expect(uuidToBase64(uuid)).toBe('ASNFZ4mrze8BI0VniavN7w');
  expect(uuidFromBase64('ASNFZ4mrze8BI0VniavN7w')).toBe(uuid);
  expect(uuidFromBase64('short')).toBeUndefined();
  expect(NO_OFFSET).toBe(-1);
});

test('a gathering writer hands out large pieces by reference, in order, and counts all bytes', () => {
  const large = Buffer.alloc(5000, 1);
  const writer = new GatherWriter();
  writer.raw(large);
  writer.int32(0);
  writer.raw(Buffer.alloc(100, 2));
  writer.raw(large);
  writer.raw(large.subarray(100));
  writer.int8(3);
  writer.patchInt32(0, writer.sizeBytes);
  const chunks = writer.chunks();
  expect(chunks.map((chunk) => chunk.length)).toEqual([5000, 104, 5000, 4900, 1]);
  expect(chunks.map((chunk) => chunk.buffer === large.buffer)).toEqual([true, false, true, true, false]);
  expect(chunks[1]?.readInt32BE()).toBe(15_005);
  expect(new GatherWriter().chunks()).toEqual([]);
});
