// Batches without records, which fill offsets that must not be reused: their log was lost, and readers may have seen
// the records that were acknowledged there. The cleaner leaves the same kind of batch where it has removed all records,
// so every reader of the format skips them.
import type { LeaderEpoch, Offset, Timestamp } from '@milepost/core';
import { buildBatch, emptiedBatch, RecordBatch } from '@milepost/records';

/** An offset delta is a signed 32-bit number. */
const MOST_OFFSETS = 2 ** 31 - 1;
const LAST_OFFSET_DELTA_AT = 23;

/** Covers the offsets from `from` up to `to` (exclusive), or as many as one batch can. */
export function fillerBatch(from: Offset, to: Offset, leaderEpoch: LeaderEpoch, timestamp: Timestamp): RecordBatch {
  const template = buildBatch({ records: [{ key: null, value: null, timestamp }] });
  template.writeInt32BE(Math.min(to - from, MOST_OFFSETS) - 1, LAST_OFFSET_DELTA_AT);
  const batch = RecordBatch.at(emptiedBatch(RecordBatch.at(template, 0) as RecordBatch), 0) as RecordBatch;
  batch.assign(from, leaderEpoch);
  return batch;
}
