import { MalformedMessage, Offset, Timestamp } from '@milepost/core';
import { buildEndMarker, readEndMarker, RecordBatch } from './index.ts';

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
