import { LeaderEpoch, MalformedMessage, Offset, Timestamp } from '@milepost/core';
import { buildEndMarker, isAbortMarker, readEndMarker, RecordBatch, type TransactionEnd } from './index.ts';

test.each(['commit', 'abort'] as const)('the marker of a %s is a transactional control batch of one record', (end) => {
  const bytes = buildEndMarker({
    end,
    coordinatorEpoch: 5,
    producerId: 9n,
    producerEpoch: 2,
    timestamp: Timestamp(1_780_000_000_000),
    baseOffset: Offset(41),
  });
  const batch = RecordBatch.at(bytes, 0) as RecordBatch;
  expect([batch.isControl, batch.isTransactional, batch.isIntact()]).toEqual([true, true, true]);
  expect([batch.producerId, batch.producerEpoch, batch.baseSequence, batch.nextOffset]).toEqual([9n, 2, -1, 42]);
  const [record] = [...batch.records()];
  expect(record?.key?.toString('hex')).toBe(end === 'commit' ? '00000001' : '00000000');
  expect(record?.value?.toString('hex')).toBe('000000000005');
  expect(record && readEndMarker(record)).toEqual({ end, coordinatorEpoch: 5 });
});

test('a control record of another type is ignored, a broken one is malformed', () => {
  expect(readEndMarker({ key: Buffer.from('00000002', 'hex'), value: null })).toBeUndefined();
  expect(readEndMarker({ key: Buffer.from('00010001', 'hex'), value: Buffer.from('00010000000700', 'hex') })).toEqual({
    end: 'commit',
    coordinatorEpoch: 7,
  });
  expect(() => readEndMarker({ key: null, value: null })).toThrow(MalformedMessage);
  expect(() => readEndMarker({ key: Buffer.from('00000001', 'hex'), value: null })).toThrow(MalformedMessage);
  expect(() => readEndMarker({ key: Buffer.from('ffff0001', 'hex'), value: null })).toThrow(MalformedMessage);
});

// As Apache Kafka 4.3.1 builds them: producer 4711, epoch 3, coordinator epoch 7, leader epoch 5, at offset 41.
test.each<[TransactionEnd, string]>([
  [
    'abort',
    '0000000000000029000000420000000502914030d50030000000000000019b76daa8000000019b76daa80000000000000012670003ffffffff000000012000000008000000000c00000000000700',
  ],
  [
    'commit',
    '0000000000000029000000420000000502657ee69d0030000000000000019b76daa8000000019b76daa80000000000000012670003ffffffff000000012000000008000000010c00000000000700',
  ],
])('the marker of a %s is byte for byte that of Apache Kafka', (end, bytes) => {
  const marker = { end, coordinatorEpoch: 7, producerId: 4711n, producerEpoch: 3, leaderEpoch: LeaderEpoch(5) };
  const timestamp = Timestamp(1_767_225_600_000);
  expect(buildEndMarker({ ...marker, timestamp, baseOffset: Offset(41) }).toString('hex')).toBe(bytes);
  const batch = RecordBatch.at(Buffer.from(bytes, 'hex'), 0) as RecordBatch;
  expect(isAbortMarker(batch)).toBe(end === 'abort');
});
