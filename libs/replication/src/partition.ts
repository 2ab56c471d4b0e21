// A partition as its leader sees it: one log, the epoch it leads in, and the high watermark, the offset below which
// records are committed: visible to consumers and safe to acknowledge with acks=all.
//
// Promises: with flush `always` the high watermark never passes the last fsync, so that no power cut reuses an offset
// that anyone has read; with `os` it is the log's end, as in Kafka on one node. Appends of one turn of the event loop,
// and all that come while a sync is under way, share the next sync (group commit). After a failed sync it never moves.
// Never: retries a failed sync (the page may be gone), or tells a watcher about an offset that may yet be lost.
import { ErrorCode, type LeaderEpoch, type Offset, type Uuid } from '@milepost/core';
import type { AppendOutcome, AppendRefused, Log } from '@milepost/log';

export type FlushPolicy = 'always' | 'os';

const GONE: AppendRefused = {
  error: ErrorCode.KAFKA_STORAGE_ERROR,
  message: 'the log of this partition has failed or was closed',
  recordErrors: [],
};

export class Partition {
  readonly log: Log;
  readonly #flush: FlushPolicy;
  readonly #onFailure: (partition: Partition, failure: unknown) => void;
  readonly #watchers = new Set<() => void>();
  #leaderEpoch: LeaderEpoch;
  #appendedBytes = 0;
  #committedBytes = 0;
  #commitScheduled = false;
  #failed = false;

  constructor(
    log: Log,
    leaderEpoch: LeaderEpoch,
    flush: FlushPolicy,
    onFailure: (partition: Partition, failure: unknown) => void = () => {},
  ) {
    this.log = log;
    this.#leaderEpoch = leaderEpoch;
    this.#flush = flush;
    this.#onFailure = onFailure;
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
  /** Exclusive: what read_committed may see. Equal to the high watermark while there are no transactions. */
  get lastStableOffset(): Offset {
    return this.highWatermark;
  }
  /** Grows by the size of whatever gets committed: how a waiting fetch counts bytes without reading them. */
  get committedBytes(): number {
    return this.#committedBytes;
  }
  /** A sync failed, or the folder is gone: nothing more will be committed here. */
  get isFailed(): boolean {
    return this.#failed || this.log.failed;
  }

  /** The log hears of the epoch before its first batch: clients ask where it began (KIP-320). */
  lead(epoch: LeaderEpoch): void {
    this.#leaderEpoch = epoch;
    this.log.beginEpoch(epoch);
  }

  /** Validates and appends; the next group commit takes it along, whatever the acks. */
  append(records: Buffer): AppendOutcome {
    if (this.#failed) return GONE;
    const outcome = this.log.append(records, this.#leaderEpoch);
    if (outcome.error === ErrorCode.NONE && !outcome.duplicate) {
      this.#appendedBytes += records.length;
      this.#scheduleCommit();
    }
    return outcome;
  }

  /** Calls `onAdvance` after the high watermark or the log's start has moved, or the partition has failed or closed. */
  watch(onAdvance: () => void): () => void {
    this.#watchers.add(onAdvance);
    return () => this.#watchers.delete(onAdvance);
  }

  /** KIP-107: forgets what is below; consumers that wait there learn of it. */
  async deleteRecordsBefore(offset: Offset): Promise<Offset> {
    const start = await this.log.deleteRecordsBefore(offset);
    this.#advanced();
    return start;
  }

  /** The topic is deleted or the broker stops: whoever waits is woken and nothing more is accepted. */
  retire(): void {
    this.#failed = true;
    this.#advanced();
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
      if (!wasRetired) this.#onFailure(this, failure);
      this.#advanced();
    } finally {
      this.#commitScheduled = false;
    }
  }

  #advanced(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
