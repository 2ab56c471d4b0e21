import { ErrorCode, Timestamp } from '@milepost/core';
import { type BatchToBuild, batchesOf, buildBatch, crc32c, RecordBatch } from '@milepost/records';
import { isRefused, validateAppend } from './append-validation.ts';
import { logConfigOf } from './log-config.ts';
import { batchOf, START_MS } from './testing.ts';

const HOUR_MS = 3_600_000;

function errorOf(records: Buffer, configs: Record<string, string> = {}): ErrorCode {
  const outcome = validateAppend(records, logConfigOf(configs), START_MS);
  return isRefused(outcome) ? outcome.error : ErrorCode.NONE;
}

/** A batch of one record with some of its bytes changed and a new CRC. */
function patched(patch: (bytes: Buffer) => void, batch: Omit<BatchToBuild, 'records'> = {}): Buffer {
  const bytes = batchOf(['v'], batch);
  patch(bytes);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

test.each<[string, Buffer, ErrorCode]>([
  ['a plain batch', batchOf(['a', 'b']), ErrorCode.NONE],
  ['an idempotent batch', batchOf(['a'], { producerId: 7n, producerEpoch: 0, baseSequence: 0 }), ErrorCode.NONE],
  ['no bytes', Buffer.alloc(0), ErrorCode.INVALID_RECORD],
  ['half a batch', batchOf(['a']).subarray(0, 65), ErrorCode.INVALID_RECORD],
  ['a length that is none', patched((bytes) => bytes.writeInt32BE(13, 8)), ErrorCode.CORRUPT_MESSAGE],
  ['a length below a header', patched((bytes) => bytes.writeInt32BE(20, 8)), ErrorCode.CORRUPT_MESSAGE],
  ['some bytes behind the batch', Buffer.concat([batchOf(['a']), Buffer.alloc(5)]), ErrorCode.NONE],
  ['two batches', Buffer.concat([batchOf(['a']), batchOf(['b'])]), ErrorCode.INVALID_RECORD],
  ['an old format', patched((bytes) => bytes.writeInt8(1, 16)), ErrorCode.INVALID_RECORD],
  ['a format to come', patched((bytes) => bytes.writeInt8(3, 16)), ErrorCode.CORRUPT_MESSAGE],
  ['a base offset of its own', patched((bytes) => bytes.writeBigInt64BE(5n, 0)), ErrorCode.INVALID_RECORD],
  ['a wrong count', patched((bytes) => bytes.writeInt32BE(2, 57)), ErrorCode.INVALID_RECORD],
  [
    'no records',
    patched((bytes) => {
      bytes.writeInt32BE(-1, 23);
      bytes.writeInt32BE(0, 57);
    }),
    ErrorCode.INVALID_RECORD,
  ],
  ['a control batch', batchOf(['a'], { isControl: true, isTransactional: true }), ErrorCode.INVALID_RECORD],
  ['a producer without sequence', batchOf(['a'], { producerId: 7n, producerEpoch: 0 }), ErrorCode.INVALID_RECORD],
  ['an unknown codec', patched((bytes) => bytes.writeInt16BE(5, 21)), ErrorCode.UNKNOWN_SERVER_ERROR],
  ['a record longer than the batch', patched((bytes) => bytes.writeInt8(126, 61)), ErrorCode.INVALID_RECORD],
  ['a record shorter than its parts', patched((bytes) => bytes.writeInt8(4, 61)), ErrorCode.INVALID_RECORD],
  ['a key longer than its record', patched((bytes) => bytes.writeInt8(126, 65)), ErrorCode.INVALID_RECORD],
  ['a negative number of headers', patched((bytes) => bytes.writeInt8(1, 69)), ErrorCode.INVALID_RECORD],
  ['fewer records than it says', patched(countTwo), ErrorCode.INVALID_RECORD],
])('%s', (_, records, expected) => {
  expect(errorOf(records)).toBe(expected);
});

function countTwo(bytes: Buffer): void {
  bytes.writeInt32BE(1, 23);
  bytes.writeInt32BE(2, 57);
}

test('LogAppendTime in a batch from a client is cleared on a CreateTime topic, INVALID_TIMESTAMP of each record on another', () => {
  const stamped = () => patched((bytes) => bytes.writeInt16BE(8, 21));
  const stored = validateAppend(stamped(), logConfigOf({}), START_MS) as RecordBatch;
  expect([stored.timestampType, stored.isIntact()]).toEqual(['CreateTime', true]);
  const refused = validateAppend(stamped(), logConfigOf({ 'message.timestamp.type': 'LogAppendTime' }), START_MS);
  expect(refused).toMatchObject({ error: ErrorCode.INVALID_TIMESTAMP, recordErrors: [{ batchIndex: 0 }] });
});

test('the header gets the largest timestamp of the records', () => {
  const records = patched((bytes) => bytes.writeBigInt64BE(BigInt(START_MS + 5 * HOUR_MS), 35));
  const stored = validateAppend(records, logConfigOf({}), START_MS) as RecordBatch;
  expect([stored.maxTimestamp, stored.isIntact()]).toEqual([START_MS, true]);
});

test('offset deltas that are not 0, 1, 2 … are made consecutive', () => {
  const records = batchOf(['a', 'b', 'c'], { producerId: 7n, producerEpoch: 2, baseSequence: 9 });
  const size = records.readInt8(61) / 2 + 1;
  records.writeInt8(8, 64 + size); // 1 becomes 4
  records.writeUInt32BE(crc32c(records.subarray(21)), 17);
  const stored = validateAppend(records, logConfigOf({}), START_MS) as RecordBatch;
  expect([...stored.records()].map(({ offset, value }) => `${offset}:${String(value)}`)).toEqual(['0:a', '1:b', '2:c']);
  expect(stored).toMatchObject({ producerId: 7n, producerEpoch: 2, baseSequence: 9, lastOffsetDelta: 2 });
  expect(stored.isIntact()).toBe(true);
});

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
test.each(codecs.flatMap((from) => codecs.map((to) => [from, to] as const)))(
  'a batch in %s is stored in %s where the topic sets that codec, and is otherwise the same',
  (from, to) => {
    const values = ['one', 'two'.repeat(500), 'three'];
    const records = batchOf(values, { compression: from, producerId: 7n, producerEpoch: 2, baseSequence: 9 });
    const before = [...(batchesOf(Buffer.from(records)).next().value as RecordBatch).records()];
    const config = logConfigOf({ 'compression.type': to === 'none' ? 'uncompressed' : to });
    const stored = validateAppend(records, config, START_MS) as RecordBatch;
    expect(stored).toMatchObject({ compression: to, producerId: 7n, producerEpoch: 2, baseSequence: 9 });
    expect(stored.isIntact()).toBe(true);
    expect([...stored.records()]).toEqual(before);
    if (from === to) expect(stored.buffer).toBe(records);
  },
);

test.each([
  ['gzip', '9'],
  ['zstd', '19'],
])('compression.%s.level is the effort', (codec, most) => {
  const text = Array.from({ length: 3_000 }, (_, n) => `${(n * 7_919) % 1_009}`).join(' ');
  const sizeAt = (level: string) =>
    (
      validateAppend(
        batchOf([text]),
        logConfigOf({ 'compression.type': codec, [`compression.${codec}.level`]: level }),
        START_MS,
      ) as RecordBatch
    ).sizeBytes;
  expect(sizeAt(most)).toBeLessThan(sizeAt('1'));
});

test('a batch that recompression enlarges beyond max.message.bytes is MESSAGE_TOO_LARGE', () => {
  const records = batchOf(['x'.repeat(2000)], { compression: 'zstd' });
  expect(errorOf(records, { 'max.message.bytes': '1000' })).toBe(ErrorCode.NONE);
  expect(errorOf(records, { 'max.message.bytes': '1000', 'compression.type': 'uncompressed' })).toBe(
    ErrorCode.MESSAGE_TOO_LARGE,
  );
});

test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('compressed records are checked too (%s)', (compression) => {
  expect(errorOf(batchOf(['a'], { compression }))).toBe(ErrorCode.NONE);
  expect(errorOf(patched(countTwo, { compression }))).toBe(ErrorCode.INVALID_RECORD);
  expect(errorOf(patched((bytes) => bytes.fill(0xff, 61), { compression }))).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
});

test('a flipped bit anywhere after the CRC is CORRUPT_MESSAGE', () => {
  const bytes = batchOf(['some value']);
  for (let at = 21; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] as number) ^ 4;
    expect(errorOf(flipped)).toBe(ErrorCode.CORRUPT_MESSAGE);
  }
});

test('a batch larger than max.message.bytes is MESSAGE_TOO_LARGE, one larger than a segment RECORD_LIST_TOO_LARGE', () => {
  const records = batchOf(['x'.repeat(2000)]);
  expect(errorOf(records, { 'max.message.bytes': String(records.length) })).toBe(ErrorCode.NONE);
  expect(errorOf(records, { 'max.message.bytes': String(records.length - 1) })).toBe(ErrorCode.MESSAGE_TOO_LARGE);
  expect(errorOf(records, { 'segment.bytes': '1000' })).toBe(ErrorCode.RECORD_LIST_TOO_LARGE);
});

test('a record more than an hour ahead is INVALID_TIMESTAMP and named by its position; one of 1971 is fine', () => {
  const inTime = { value: 'now', timestamp: START_MS + HOUR_MS };
  const late = { value: 'late', timestamp: START_MS + HOUR_MS + 1 };
  const old = { value: 'old', timestamp: 31_536_000_000 };
  expect(errorOf(batchOf([inTime, old]))).toBe(ErrorCode.NONE);
  const refused = validateAppend(batchOf([inTime, late, old, late]), logConfigOf({}), START_MS);
  expect(refused).toMatchObject({
    error: ErrorCode.INVALID_TIMESTAMP,
    recordErrors: [{ batchIndex: 1 }, { batchIndex: 3 }],
  });
  const stamped = { 'message.timestamp.type': 'LogAppendTime' };
  expect(errorOf(batchOf([late]), stamped)).toBe(ErrorCode.NONE);
});

test('message.timestamp.before.max.ms refuses older records', () => {
  const configs = { 'message.timestamp.before.max.ms': '1000' };
  expect(errorOf(batchOf([{ value: 'v', timestamp: START_MS - 1000 }]), configs)).toBe(ErrorCode.NONE);
  expect(errorOf(batchOf([{ value: 'v', timestamp: START_MS - 1001 }]), configs)).toBe(ErrorCode.INVALID_TIMESTAMP);
});

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('a compacted topic needs keys (%s)', (compression) => {
  const configs = { 'cleanup.policy': 'compact,delete' };
  const records = batchOf(
    [
      { value: 'a', key: 'k' },
      { value: 'b', key: null },
    ],
    { compression },
  );
  expect(validateAppend(records, logConfigOf(configs), START_MS)).toMatchObject({
    error: ErrorCode.INVALID_RECORD,
    recordErrors: [{ batchIndex: 1 }],
  });
  expect(errorOf(records)).toBe(ErrorCode.NONE);
});

test('records of a compacted topic that cannot be parsed are INVALID_RECORD', () => {
  const garbage = patched((bytes) => bytes.fill(0xff, 61));
  expect(errorOf(garbage, { 'cleanup.policy': 'compact' })).toBe(ErrorCode.INVALID_RECORD);
});

test('a good batch is returned as a view of the same bytes', () => {
  const records = buildBatch({ records: [{ key: null, value: Buffer.from('v'), timestamp: Timestamp(START_MS) }] });
  const batch = validateAppend(records, logConfigOf({}), START_MS);
  expect(batch).toBeInstanceOf(RecordBatch);
  expect((batch as RecordBatch).buffer).toBe(records);
  expect([...batchesOf(records)]).toHaveLength(1);
});
