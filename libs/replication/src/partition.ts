// A partition as its leader sees it: one log, the epoch it leads in, and the high watermark, the offset below which
// records are committed: visible to consumers and safe to acknowledge with acks=all.
//
// Promises: with flush `always` the high watermark never passes the last fsync, so that no power cut reuses an offset
// that anyone has read; with `os` it is the log's end, as in Kafka on one node. It never decreases, and neither does the
// leader epoch. Appends of one turn of the event loop, and all that arrive during a sync, share the next sync (group
// commit). After a failed sync the high watermark stands still. A watcher that throws harms neither the partition nor the
// other watchers.
// Never: retries a failed sync (the page may be gone), or notifies a watcher of an offset that may yet be lost.
import { ErrorCode, invariant, type LeaderEpoch, Offset, type Uuid } from '@milepost/core';
import type { AppendOutcome, AppendRefused, FlushPolicy, Log, TransactionMarker } from '@milepost/log';

export type { FlushPolicy };

/** Receives reports that have no caller. */
export interface PartitionReports {
  /** The partition accepts no more records. Reported once; not for a partition that was retired. */
  failed(partition: Partition, failure: unknown): void;
  /** A bug of the watcher, which is not called again. */
  watcherFailed(partition: Partition, failure: unknown): void;
}

/** A control batch of one record. */
const MARKER_BYTES = 78;

const GONE: AppendRefused = {
  error: ErrorCode.KAFKA_STORAGE_ERROR,
  message: 'the log of this partition has failed or was closed',
  recordErrors: [],
};

export class Partition {
  readonly log: Log;
  readonly #flush: FlushPolicy;
  readonly #reports: PartitionReports;
  readonly #watchers = new Set<() => void>();
  #leaderEpoch: LeaderEpoch;
  #appendedBytes = 0;
  #committedBytes = 0;
  #commitScheduled = false;
  #failed = false;
  #isOutOfRoom = false;
  /** The high watermark that watchers were last notified of. */
  #notifiedHighWatermark = Offset(0);

  constructor(log: Log, leaderEpoch: LeaderEpoch, flush: FlushPolicy, reports: PartitionReports) {
    this.log = log;
    this.#leaderEpoch = leaderEpoch;
    this.#flush = flush;
    this.#reports = reports;
    log.beginEpoch(leaderEpoch);
  }

  get topic(): string {
    return this.log.topic;
  }
  get topicId(): Uuid {
    return this.log.topicId;
  }
  get index(): number {
    return this.log.partition;
  }
  get leaderEpoch(): LeaderEpoch {
    return this.#leaderEpoch;
  }
  /** Exclusive: the first offset that is not yet committed. */
  get highWatermark(): Offset {
    return this.#flush === 'always' ? this.log.flushedOffset : this.log.logEndOffset;
  }
  /** Exclusive: the end for read_committed. Below the high watermark while a transaction is open. */
  get lastStableOffset(): Offset {
    return this.log.lastStableOffset(this.highWatermark);
  }
  /** Grows by the size of committed batches: a waiting fetch counts bytes this way without reading them. */
  get committedBytes(): number {
    return this.#committedBytes;
  }
  /** The disk had no room for the last append. */
  get isOutOfRoom(): boolean {
    return this.#isOutOfRoom;
  }
  /** A sync failed, or the folder is gone: nothing more will be committed here. */
  get isFailed(): boolean {
    return this.#failed || this.log.failed;
  }

  /** The log learns of the epoch before its first batch: clients request where it began (KIP-320). */
  lead(epoch: LeaderEpoch): void {
    invariant(
      epoch >= this.#leaderEpoch,
      () => `${this.topic}-${this.index}: leader epoch ${epoch} after ${this.#leaderEpoch}`,
    );
    this.#leaderEpoch = epoch;
    this.log.beginEpoch(epoch);
  }

  /** Validates and appends; the next group commit covers it, whatever the acks. */
  append(records: Buffer): AppendOutcome;
  /** `undefined`: nothing was appended, because the records unpack to more than `unpackBytes`; see `appendInSteps`. */
  append(records: Buffer, unpackBytes: number): AppendOutcome | undefined;
  append(records: Buffer, unpackBytes?: number): AppendOutcome | undefined {
    if (this.#failed) return GONE;
    const outcome = this.log.append(records, this.#leaderEpoch, unpackBytes);
    return outcome && this.#appended(outcome, records.length);
  }

  /** Like `append`, without holding the event loop. The records must not change meanwhile. */
  async appendInSteps(records: Buffer): Promise<AppendOutcome> {
    const valid = await this.log.validate(records);
    return this.#failed ? GONE : this.#appended(this.log.appendValid(valid, this.#leaderEpoch), records.length);
  }

  /**
   * Ends a transaction here. Resolves with NONE when the marker is committed, else with the reason: the producer or the
   * coordinator is fenced, or this partition is not led here, or no longer, or has failed. The caller limits the wait.
   */
  async appendMarker(marker: TransactionMarker): Promise<ErrorCode> {
    if (this.#failed) return GONE.error;
    const leaderEpoch = this.#leaderEpoch;
    const outcome = this.#appended(this.log.appendMarker(marker, leaderEpoch), MARKER_BYTES);
    if (outcome.error !== ErrorCode.NONE) return outcome.error;
    return this.#committed(outcome.lastOffset, leaderEpoch);
  }

  #committed(offset: Offset, leaderEpoch: LeaderEpoch): Promise<ErrorCode> {
    const verdict = (): ErrorCode | undefined => {
      if (this.#leaderEpoch !== leaderEpoch) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
      if (this.highWatermark > offset) return ErrorCode.NONE;
      return this.isFailed ? GONE.error : undefined;
    };
    return new Promise((resolve) => {
      let unwatch = (): void => {};
      const look = (): void => {
        const reached = verdict();
        if (reached === undefined) return;
        unwatch();
        resolve(reached);
      };
      unwatch = this.watch(look);
      look();
    });
  }

  #appended(outcome: AppendOutcome, sizeBytes: number): AppendOutcome {
    if (outcome.error === ErrorCode.NONE) this.#isOutOfRoom = false;
    else if (outcome.isOutOfRoom) this.#isOutOfRoom = true;
    if (outcome.error === ErrorCode.NONE && !outcome.duplicate) {
      this.#appendedBytes += sizeBytes;
      this.#scheduleCommit();
    }
    return outcome;
  }

  /** Calls `onAdvance` after the high watermark or the log's start has moved, or the partition has failed or closed. */
  watch(onAdvance: () => void): () => void {
    this.#watchers.add(onAdvance);
    return () => this.#watchers.delete(onAdvance);
  }

  /** KIP-107: deletes records below the offset. Resolves with the new start of the log. */
  async deleteRecordsBefore(offset: Offset): Promise<Offset> {
    const start = await this.log.deleteRecordsBefore(offset);
    this.#advanced();
    return start;
  }

  /** Deletes what retention no longer retains at this wall time. @throws LogFailed, DiskFailed */
  async applyRetention(now: number): Promise<void> {
    if ((await this.log.applyRetention(now)) > 0) this.#advanced();
  }

  /** The topic is deleted or the broker stops: waiters are woken and nothing more is accepted. */
  retire(): void {
    this.#failed = true;
    this.#notify();
  }

  #scheduleCommit(): void {
    if (this.#commitScheduled) return;
    this.#commitScheduled = true;
    queueMicrotask(() => void this.#commit());
  }

  async #commit(): Promise<void> {
    try {
      let appended: number;
      do {
        appended = this.#appendedBytes;
        if (this.#flush === 'always') await this.log.sync();
        this.#committedBytes = appended;
        this.#advanced();
      } while (this.#appendedBytes > appended);
    } catch (failure) {
      const wasRetired = this.#failed;
      this.#failed = true;
      if (!wasRetired) this.#reports.failed(this, failure);
      this.#notify();
    } finally {
      this.#commitScheduled = false;
    }
  }

  #advanced(): void {
    const { highWatermark } = this;
    invariant(
      highWatermark >= this.#notifiedHighWatermark,
      () => `${this.topic}-${this.index}: high watermark ${highWatermark} after ${this.#notifiedHighWatermark}`,
    );
    this.#notifiedHighWatermark = highWatermark;
    this.#notify();
  }

  #notify(): void {
    for (const watcher of this.#watchers) {
      try {
        watcher();
      } catch (failure) {
        this.#watchers.delete(watcher);
        this.#reports.watcherFailed(this, failure);
      }
    }
  }
}
