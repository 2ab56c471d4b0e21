// How long the oldest record that a group has not read has been waiting: read from the batch at the committed offset,
// once for each offset and not at each scrape.
import type { Offset } from '@milepost/core';
import { RecordBatch } from '@milepost/records';
import type { Partition } from '@milepost/replication';
import type { LocalPartitions } from '../partitions/local-partitions.ts';

interface Seen {
  readonly offset: Offset;
  readonly timestampMs: number;
}

export class LagTimes {
  readonly #partitions: LocalPartitions;
  readonly #now: () => number;
  #previous = new Map<string, Seen>();
  #current = new Map<string, Seen>();

  constructor(partitions: LocalPartitions, now: () => number) {
    this.#partitions = partitions;
    this.#now = now;
  }

  /** 0 if nothing waits; a producer's clock that is ahead never makes it negative. */
  secondsBehind(group: string, topic: string, partition: number, committed: Offset): number {
    const led = this.#partitions.get(topic, partition);
    if (!led) return 0;
    const offset = Math.max(committed, led.log.logStartOffset) as Offset; // records that retention removed no longer wait
    if (offset >= led.highWatermark) return 0;
    const key = `${group}\u0000${topic}\u0000${partition}`;
    const known = this.#previous.get(key);
    const seen = known?.offset === offset ? known : { offset, timestampMs: timestampAt(led, offset) };
    this.#current.set(key, seen);
    return Math.max(0, this.#now() - seen.timestampMs) / 1000;
  }

  /** Drops entries that were not used since the last round. */
  endRound(): void {
    this.#previous = this.#current;
    this.#current = new Map();
  }
}

/** The timestamp of the batch's first record; a record without one does not wait. */
function timestampAt({ log, highWatermark }: Partition, offset: Offset): number {
  const outcome = log.read(offset, { maxBytes: 1, upTo: highWatermark, atLeastOneBatch: true });
  const batch = 'records' in outcome ? RecordBatch.at(outcome.records, 0) : undefined;
  const timestamp = batch?.timestampType === 'LogAppendTime' ? batch.maxTimestamp : batch?.baseTimestamp;
  return timestamp === undefined || timestamp < 0 ? Infinity : timestamp;
}
