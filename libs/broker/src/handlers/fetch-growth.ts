// What a waiting fetch can read of a partition beyond what it could read when its wait began, in bytes.
//
// Counts what the isolation level of the fetch can see: bytes that are committed behind an open transaction end no wait of
// read_committed, or it would be answered with nothing again and again.
import { DiskFailed, type LeaderEpoch, type Offset } from '@milepost/core';
import type { Partition } from '@milepost/replication';

/** What a fetch can see of a partition, and where the partition counts bytes itself. */
export interface FetchView {
  readonly visibleEnd: (partition: Partition) => Offset;
  readonly countedEnd: (partition: Partition) => Offset;
  /** Below `countedEnd`. */
  readonly countedBytes: (partition: Partition) => number;
}

export class FetchGrowth {
  readonly #partition: Partition;
  readonly #view: FetchView;
  readonly #leaderEpoch: LeaderEpoch;
  readonly #begin: Offset;
  readonly #countedBytes: number;
  readonly #beganAtCountedEnd: boolean;
  #measured: { readonly end: Offset; readonly bytes: number } | undefined;

  constructor(partition: Partition, view: FetchView) {
    this.#partition = partition;
    this.#view = view;
    this.#leaderEpoch = partition.leaderEpoch;
    this.#begin = view.visibleEnd(partition);
    this.#countedBytes = view.countedBytes(partition);
    this.#beganAtCountedEnd = this.#begin === view.countedEnd(partition);
  }

  /** The partition failed, or changed its leader epoch: the client must be told now. */
  get isEnded(): boolean {
    return this.#partition.isFailed || this.#partition.leaderEpoch !== this.#leaderEpoch;
  }

  get bytes(): number {
    const { visibleEnd, countedEnd, countedBytes } = this.#view;
    const end = visibleEnd(this.#partition);
    if (end <= this.#begin) return 0;
    if (this.#beganAtCountedEnd && end === countedEnd(this.#partition))
      return countedBytes(this.#partition) - this.#countedBytes;
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
