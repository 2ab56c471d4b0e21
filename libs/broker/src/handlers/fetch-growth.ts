// What a waiting fetch can read of a partition beyond what it could read when its wait began, in bytes.
//
// Counts what the isolation level of the fetch can see: bytes that are committed behind an open transaction end no wait of
// read_committed, or it would be answered with nothing again and again.
import { DiskFailed, type LeaderEpoch, type Offset } from '@milepost/core';
import type { Partition } from '@milepost/replication';

export class FetchGrowth {
  readonly #partition: Partition;
  readonly #visibleEnd: (partition: Partition) => Offset;
  readonly #leaderEpoch: LeaderEpoch;
  readonly #begin: Offset;
  readonly #committedBytes: number;
  readonly #beganAtHighWatermark: boolean;
  #measured: { readonly end: Offset; readonly bytes: number } | undefined;

  constructor(partition: Partition, visibleEnd: (partition: Partition) => Offset) {
    this.#partition = partition;
    this.#visibleEnd = visibleEnd;
    this.#leaderEpoch = partition.leaderEpoch;
    this.#begin = visibleEnd(partition);
    this.#committedBytes = partition.committedBytes;
    this.#beganAtHighWatermark = this.#begin === partition.highWatermark;
  }

  /** The partition failed, or changed its leader epoch: the client must be told now. */
  get isEnded(): boolean {
    return this.#partition.isFailed || this.#partition.leaderEpoch !== this.#leaderEpoch;
  }

  get bytes(): number {
    const { highWatermark, committedBytes } = this.#partition;
    const end = this.#visibleEnd(this.#partition);
    if (end <= this.#begin) return 0;
    if (this.#beganAtHighWatermark && end === highWatermark) return committedBytes - this.#committedBytes;
    if (this.#measured?.end !== end) this.#measured = { end, bytes: this.#measure(end) };
    return this.#measured.bytes;
  }

  /** Reads headers of batches. If the disk fails, so will the read, which reports it. */
  #measure(end: Offset): number {
    try {
      return this.#partition.log.bytesBetween(this.#begin, end);
    } catch (failure) {
      if (!(failure instanceof DiskFailed)) throw failure;
      return Number.POSITIVE_INFINITY;
    }
  }
}
