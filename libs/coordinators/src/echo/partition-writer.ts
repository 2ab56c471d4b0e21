// A partition of a coordinator's internal topic, as the echo needs it. No caller waits for an append, and nothing depends on one.
import type { Offset } from '@milepost/core';

export interface PartitionWriter {
  /** Appends one batch. `later`: the partition does not exist, or accepts nothing now. `never`: it rejects this batch. */
  append(partition: number, batch: Buffer): 'appended' | 'later' | 'never';
  /** Whole batches from the offset on, or from the first that is retained; empty at the end; undefined: unreadable now. */
  read(partition: number, from: Offset): Buffer | undefined;
}
