import { MalformedMessage, Timestamp } from '@milepost/core';
import { SimRandom } from '@milepost/simulator';
import { buildBatch, emptiedBatch, type LogRecord, RecordBatch, RecordCursor, rewriteBatch } from './index.ts';

const START = 1_767_225_600_000;
const batchOf = (random: SimRandom): RecordBatch => {
  const bytes = (limit: number) => Buffer.alloc(random.below(limit), random.below(256));
  const records = Array.from({ length: 1 + random.below(20) }, () => ({
    key: random.chance(0.2) ? null : bytes(100),
    value: random.chance(0.2) ? null : bytes(300),
    timestamp: Timestamp(START + random.below(2 ** 40) - 2 ** 39),
    headers: random.chance(0.3) ? [{ key: 'h', value: random.chance(0.5) ? null : bytes(40) }] : [],
  }));
  return RecordBatch.at(buildBatch({ records }), 0) as RecordBatch;
};

test('a walk sees all records', () => {
  const random = new SimRandom(1);
  for (let round = 0; round < 60; round++) {
    const batch = batchOf(random);
    const bytes = batch.unpack();
    const cursor = new RecordCursor().begin(bytes, batch.recordCount);
    const keys: (Buffer | null)[] = [];
    for (const { offset, timestamp, key, value } of batch.records() as Iterable<LogRecord>) {
      expect(cursor.next()).toBe(true);
      expect([cursor.offsetDelta, batch.baseTimestamp + cursor.timestampDelta]).toEqual([offset, timestamp]);
      expect([cursor.keyLength, cursor.valueLength]).toEqual([key?.length ?? -1, value?.length ?? -1]);
      keys.push(cursor.keyLength < 0 ? null : bytes.subarray(cursor.keyAt, cursor.keyAt + cursor.keyLength));
    }
    expect(cursor.next()).toBe(false);
    expect(cursor.end).toBe(bytes.length);
    expect(keys).toEqual(Array.from(batch.records(), ({ key }) => key));
  }
});

test('a walk ends for any bytes', () => {
  const random = new SimRandom(2);
  let refused = 0;
  for (let round = 0; round < 2_000; round++) {
    const batch = batchOf(random);
    const bytes = Buffer.from(batch.unpack()).subarray(0, random.chance(0.3) ? random.below(400) : undefined);
    for (let times = random.below(4); times > 0 && bytes.length > 0; times--)
      bytes[random.below(Math.min(bytes.length, 60))] = random.below(256);
    const cursor = new RecordCursor().begin(bytes, batch.recordCount + (random.chance(0.1) ? 1 : 0));
    try {
      while (cursor.next()) expect(cursor.end).toBeLessThanOrEqual(bytes.length);
    } catch (failure) {
      if (!(failure instanceof MalformedMessage)) throw failure;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(500);
});

test('a rewritten batch keeps its identity', () => {
  const records = [{ key: null, value: Buffer.from('v'.repeat(200)), timestamp: Timestamp(START) }];
  const options = {
    producerId: 5n,
    producerEpoch: 1,
    baseSequence: 3,
    isTransactional: true,
    compression: 'zstd',
  } as const;
  const batch = RecordBatch.at(buildBatch({ records, ...options }), 0) as RecordBatch;
  const parts = { bytes: batch.unpack(), count: 1, codec: 'gzip', maxTimestamp: batch.maxTimestamp } as const;
  const again = RecordBatch.at(rewriteBatch(batch, parts), 0) as RecordBatch;
  expect([again.isIntact(), again.compression]).toEqual([true, 'gzip']);
  expect([...again.records()]).toEqual([...batch.records()]);
  const identity = ({
    producerId,
    producerEpoch,
    baseSequence,
    isTransactional,
    baseOffset,
    lastOffset,
  }: RecordBatch) => [producerId, producerEpoch, baseSequence, isTransactional, baseOffset, lastOffset] as const;
  expect(identity(again)).toEqual(identity(batch));
  const empty = RecordBatch.at(emptiedBatch(batch), 0) as RecordBatch;
  expect([empty.isIntact(), empty.sizeBytes, empty.recordCount, [...empty.records()]]).toEqual([true, 61, 0, []]);
  expect(identity(empty)).toEqual(identity(batch));
});
