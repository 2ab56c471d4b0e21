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

/** A batch of one record with some bytes of it changed, and the CRC made to fit again. */
function patched(patch: (bytes: Buffer) => void, batch: Omit<BatchToBuild, 'records'> = {}): Buffer {
  const bytes = batchOf(['v'], batch);
  patch(bytes);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

test.each<[string, Buffer, ErrorCode]>([
  ['a plain batch', batchOf(['a', 'b']), ErrorCode.NONE],
  ['an idempotent batch', batchOf(['a'], { producerId: 7n, producerEpoch: 0, baseSequence: 0 }), ErrorCode.NONE],
  ['no bytes', Buffer.alloc(0), ErrorCode.CORRUPT_MESSAGE],
  ['half a batch', batchOf(['a']).subarray(0, 65), ErrorCode.CORRUPT_MESSAGE],
  ['two batches', Buffer.concat([batchOf(['a']), batchOf(['b'])]), ErrorCode.INVALID_RECORD],
  ['an old format', patched((bytes) => bytes.writeInt8(1, 16)), ErrorCode.INVALID_RECORD],
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
  ['an unknown codec', patched((bytes) => bytes.writeInt16BE(5, 21)), ErrorCode.UNSUPPORTED_COMPRESSION_TYPE],
  ['the broker’s own stamp', patched((bytes) => bytes.writeInt16BE(8, 21)), ErrorCode.INVALID_TIMESTAMP],
])('%s', (_, records, expected) => {
  expect(errorOf(records)).toBe(expected);
});

test('a flipped bit anywhere behind the CRC is CORRUPT_MESSAGE', () => {
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

test('a record more than an hour ahead is INVALID_TIMESTAMP and named by its place; one of 1971 is fine', () => {
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

test('message.timestamp.before.max.ms refuses what is older', () => {
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

test('a good batch is answered as a view of the same bytes', () => {
  const records = buildBatch({ records: [{ key: null, value: Buffer.from('v'), timestamp: Timestamp(START_MS) }] });
  const batch = validateAppend(records, logConfigOf({}), START_MS);
  expect(batch).toBeInstanceOf(RecordBatch);
  expect((batch as RecordBatch).buffer).toBe(records);
  expect([...batchesOf(records)]).toHaveLength(1);
});
