// Batches without records, in the place of offsets that must not be given out again: their log was lost, and what was
// acknowledged under them may be known to readers. They are what the cleaner leaves of batches that it has emptied, so every
// reader of the format passes over them.
import type { LeaderEpoch, Offset, Timestamp } from '@milepost/core';
import { buildBatch, emptiedBatch, RecordBatch } from '@milepost/records';

/** An offset delta has 32 bits, signed. */
const MOST_OFFSETS = 2 ** 31 - 1;
const LAST_OFFSET_DELTA_AT = 23;

/** For the offsets from `from` on, up to `to` exclusively: all of them, or as many as one batch covers. */
export function fillerBatch(from: Offset, to: Offset, leaderEpoch: LeaderEpoch, timestamp: Timestamp): RecordBatch {
  const template = buildBatch({ records: [{ key: null, value: null, timestamp }] });
  template.writeInt32BE(Math.min(to - from, MOST_OFFSETS) - 1, LAST_OFFSET_DELTA_AT);
  const batch = RecordBatch.at(emptiedBatch(RecordBatch.at(template, 0) as RecordBatch), 0) as RecordBatch;
  batch.assign(from, leaderEpoch);
  return batch;
}
