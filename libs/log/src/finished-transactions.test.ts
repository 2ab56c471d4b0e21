import { LeaderEpoch, Offset, Timestamp } from '@milepost/core';
import { buildBatch, buildEndMarker, emptiedBatch, RecordBatch, type TransactionEnd } from '@milepost/records';
import { SimHost } from '@milepost/simulator';
import { filterBatch } from './batch-filter.ts';
import { Pace } from './compaction-pace.ts';
import { FinishedTransactions } from './finished-transactions.ts';
import { KeyOffsets } from './key-offsets.ts';

const START = Timestamp(1_767_225_600_000);
const data = (baseOffset: number, producerId = 7n): RecordBatch => {
  const records = [{ key: Buffer.from('k'), value: Buffer.from('v'), timestamp: START }];
  const batch = {
    baseOffset: Offset(baseOffset),
    producerId,
    producerEpoch: 0,
    baseSequence: 0,
    isTransactional: true,
  };
  return RecordBatch.at(buildBatch({ ...batch, records }), 0) as RecordBatch;
};
const marker = (baseOffset: number, end: TransactionEnd): RecordBatch => {
  const about = { end, coordinatorEpoch: 0, producerId: 7n, producerEpoch: 0, leaderEpoch: LeaderEpoch(0) };
  return RecordBatch.at(
    buildEndMarker({ ...about, timestamp: START, baseOffset: Offset(baseOffset) }),
    0,
  ) as RecordBatch;
};
const aborted = { producerId: 7n, firstOffset: Offset(1), lastOffset: Offset(4), lastStableOffset: Offset(5) };

test('records of an aborted transaction are discarded; earlier, later and other records are not', () => {
  const transactions = new FinishedTransactions([aborted]);
  const verdicts = [data(0, 8n), data(1), data(2, 8n), data(3), marker(4, 'abort'), data(5), marker(6, 'commit')].map(
    (batch) => transactions.isDiscardable(batch),
  );
  expect(verdicts).toEqual([false, true, false, true, false, false, false]);
  expect([transactions.takeKept(), transactions.takeKept()]).toEqual([[aborted], []]);
});

test('a marker whose transaction has no records left can be dropped', () => {
  const transactions = new FinishedTransactions([aborted]);
  expect(transactions.isDiscardable(marker(4, 'abort'))).toBe(true);
  expect(transactions.isDiscardable(marker(6, 'commit'))).toBe(true);
  expect(transactions.takeKept()).toEqual([]);
  const emptied = RecordBatch.at(emptiedBatch(marker(8, 'commit')), 0) as RecordBatch;
  expect(transactions.isDiscardable(emptied)).toBe(true);
});

test('a marker that can be dropped remains until the horizon that its first cleaning sets', async () => {
  const lastOffsets = new KeyOffsets({ mostBytes: 240, loadFactor: 0.9, expectedKeys: 10 });
  const rules = { lastOffsets, endOffset: Offset(100), now: START as number, deleteRetentionMs: 1_000 };
  const fate = { isDiscardable: true, mustStay: false };
  const pace = new Pace(new SimHost(), 1e9, () => {});
  const first = RecordBatch.at((await filterBatch(marker(4, 'commit'), fate, rules, pace)) as Buffer, 0) as RecordBatch;
  expect([first.deleteHorizonMs, first.recordCount, first.isControl, first.isIntact()]).toEqual([
    START + 1_000,
    1,
    true,
    true,
  ]);
  expect(Array.from(first.records(), ({ timestamp }) => timestamp)).toEqual([START]);
  expect(await filterBatch(first, fate, { ...rules, now: START + 999 }, pace)).toEqual(first.bytes);
  expect(await filterBatch(first, fate, { ...rules, now: START + 1_000 }, pace)).toBeUndefined();
});
