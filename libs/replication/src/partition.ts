// A replica of a partition: one log, and its role. The leader appends what producers send and knows what its followers have;
// a follower appends what the leader has. The high watermark is the offset below which records are committed: visible to
// consumers and safe to acknowledge with acks=all (docs/decisions/0035-what-acks-all-means-with-replicas.md).
//
// Promises: with flush `always` only what is fsynced counts, here and on followers, so that no power cut reuses an offset
// that anyone has read; with `os` the logs' ends count, as in Kafka. The leader's high watermark passes nothing that an
// in-sync replica lacks. It never decreases while this replica leads, and neither does the leader epoch. Appends of one turn
// of the event loop, and all that arrive during a sync, share the next sync (group commit). After a failed sync the high
// watermark stands still. A watcher that throws harms neither the partition nor the other watchers.
// Never: retries a failed sync (the page may be gone), notifies a watcher of an offset that may yet be lost, or cuts a log by
// its high watermark (KIP-101).
import { type BrokerId, type Clock, ErrorCode, invariant, type LeaderEpoch, Offset, type Uuid } from '@milepost/core';
import type {
  AppendOutcome,
  AppendRefused,
  FlushPolicy,
  FollowerAppendOutcome,
  Log,
  TransactionMarker,
} from '@milepost/log';
import type { PartitionState } from '@milepost/metadata';
import { ByteMarks } from './byte-marks.ts';
import type { IsrProposal } from './isr-change.ts';
import { Leadership, type ReplicationConfig } from './leadership.ts';
import type { FollowerFetch, Replica } from './replica.ts';

export type { FlushPolicy };

/** Receives reports that have no caller. */
export interface PartitionReports {
  /** The partition accepts no more records. Reported once; not for a partition that was retired. */
  failed(partition: Partition, failure: unknown): void;
  /** A bug of the watcher, which is not called again. */
  watcherFailed(partition: Partition, failure: unknown): void;
}

export interface PartitionDeps extends ReplicationConfig {
  readonly brokerId: BrokerId;
  readonly flush: FlushPolicy;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly reports: PartitionReports;
  /** The outcome is a new state, or a call of `refused`. */
  readonly proposeIsr: (proposal: IsrProposal, refused: () => void) => void;
}

/** A control batch of one record. */
const MARKER_BYTES = 78;

const GONE: AppendRefused = {
  error: ErrorCode.KAFKA_STORAGE_ERROR,
  message: 'the log of this partition has failed or was closed',
  recordErrors: [],
};

const NOT_LEADER: AppendRefused = {
  error: ErrorCode.NOT_LEADER_OR_FOLLOWER,
  message: 'another broker leads this partition',
  recordErrors: [],
};

export class Partition {
  readonly log: Log;
  readonly #deps: PartitionDeps;
  readonly #watchers = new Set<() => void>();
  #state: PartitionState;
  /** While this broker leads. */
  #leadership: Leadership | undefined;
  readonly #appended = new ByteMarks();
  #durableBytes = 0;
  #committedBytes = 0;
  #commitScheduled = false;
  #failed = false;
  #isOutOfRoom = false;

  constructor(log: Log, state: PartitionState, deps: PartitionDeps) {
    this.log = log;
    this.#state = state;
    this.#deps = deps;
    if (state.leader === deps.brokerId) this.#lead(state);
    this.#advance();
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
  /** As the metadata has it. */
  get state(): PartitionState {
    return this.#state;
  }
  get leaderEpoch(): LeaderEpoch {
    return this.#state.leaderEpoch;
  }
  /** NO_BROKER while there is none. */
  get leader(): BrokerId {
    return this.#state.leader;
  }
  get isLeader(): boolean {
    return this.#leadership !== undefined;
  }
  /** Undefined while another broker leads. */
  get leadership(): Leadership | undefined {
    return this.#leadership;
  }
  /** Exclusive: the first offset that is not yet committed. */
  get highWatermark(): Offset {
    return this.log.highWatermark;
  }
  /** Exclusive: the end for read_committed. Below the high watermark while a transaction is open. */
  get lastStableOffset(): Offset {
    return this.log.lastStableOffset(this.highWatermark);
  }
  /**
   * Exclusive: the end of what this replica has for good, by its flush policy. Followers may fetch up to it, and acks=1
   * waits for it.
   */
  get ownEnd(): Offset {
    return this.#deps.flush === 'always' ? this.log.flushedOffset : this.log.logEndOffset;
  }
  /**
   * Whether this replica has the record at the offset for good, for acks=1. A sync that was not for a commit may have brought
   * it there: then it counts from now on, so that what is acknowledged can be read.
   */
  isDurable(offset: Offset): boolean {
    if (this.ownEnd <= offset) return false;
    if (this.#advance()) this.#notify();
    return true;
  }
  /** Grows by the size of committed batches: a waiting fetch counts bytes this way without reading them. */
  get committedBytes(): number {
    return this.#committedBytes;
  }
  /** As `committedBytes`, of what lies below `ownEnd`. */
  get durableBytes(): number {
    return this.#durableBytes;
  }
  /** The disk had no room for the last append. */
  get isOutOfRoom(): boolean {
    return this.#isOutOfRoom;
  }
  /** A sync failed, or the folder is gone: nothing more will be committed here. */
  get isFailed(): boolean {
    return this.#failed || this.log.failed;
  }
  /** min.insync.replicas cannot be met: acks=all is refused, and nothing is committed (KIP-966). */
  get isUnderMinIsr(): boolean {
    return this.#leadership?.isUnderMinIsr(this.log.config.minInsyncReplicas) ?? false;
  }
  /** A new leader may not know yet how far its predecessor had committed: until then the latest offset would step back. */
  get isCommittedEndKnown(): boolean {
    return this.#leadership === undefined || this.highWatermark >= this.#leadership.epochStart;
  }

  /**
   * The role that the metadata gives this replica. Nothing is being appended or cut as a follower at that moment: the
   * caller has ended that. Waiters are notified of another leader or epoch.
   */
  become(state: PartitionState): void {
    const { leaderEpoch, leader } = this.#state;
    if (isSame(state, this.#state)) return;
    invariant(
      state.leaderEpoch >= leaderEpoch,
      () => `${this.topic}-${this.index}: leader epoch ${state.leaderEpoch} after ${leaderEpoch}`,
    );
    if (state.leader === this.#deps.brokerId) this.#lead(state);
    else this.#leadership = undefined;
    const isAnotherTerm = state.leaderEpoch !== leaderEpoch || state.leader !== leader;
    this.#state = state;
    if (this.#advance() || isAnotherTerm) this.#notify();
  }

  /** Validates and appends; the next group commit covers it, whatever the acks. */
  append(records: Buffer): AppendOutcome;
  /** `undefined`: nothing was appended, because the records unpack to more than `unpackBytes`; see `appendInSteps`. */
  append(records: Buffer, unpackBytes: number): AppendOutcome | undefined;
  append(records: Buffer, unpackBytes?: number): AppendOutcome | undefined {
    if (this.#refusal) return this.#refusal;
    const outcome = this.log.append(records, this.leaderEpoch, unpackBytes);
    return outcome && this.#afterAppend(outcome, records.length);
  }

  /** Like `append`, without holding the event loop. The records must not change meanwhile. */
  async appendInSteps(records: Buffer): Promise<AppendOutcome> {
    const valid = await this.log.validate(records);
    return this.#refusal ?? this.#afterAppend(this.log.appendValid(valid, this.leaderEpoch), records.length);
  }

  /**
   * Ends a transaction here. Resolves with NONE when the marker is committed, else with the reason: the producer or the
   * coordinator is fenced, or this partition is not led here, or no longer, or has failed. The caller limits the wait.
   */
  async appendMarker(marker: TransactionMarker): Promise<ErrorCode> {
    if (this.#refusal) return this.#refusal.error;
    const { leaderEpoch } = this;
    const outcome = this.#afterAppend(this.log.appendMarker(marker, leaderEpoch), MARKER_BYTES);
    if (outcome.error !== ErrorCode.NONE) return outcome.error;
    return this.#committed(outcome.lastOffset, leaderEpoch);
  }

  #committed(offset: Offset, leaderEpoch: LeaderEpoch): Promise<ErrorCode> {
    const verdict = (): ErrorCode | undefined => {
      if (this.leaderEpoch !== leaderEpoch) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
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

  /** As a follower: batches of the leader. They count after `syncAsFollower`. */
  appendAsFollower(records: Buffer): FollowerAppendOutcome {
    if (this.#failed) return GONE;
    invariant(!this.isLeader, () => `${this.topic}-${this.index}: appended as a follower, but it leads`);
    const outcome = this.log.appendAsFollower(records);
    this.#noteRoom(outcome);
    if (outcome.error === ErrorCode.NONE) this.#appended.add(outcome.sizeBytes);
    return outcome;
  }

  /** Resolves when all that was appended counts: on the platter with flush `always`. @throws LogFailed */
  async syncAsFollower(): Promise<void> {
    this.#appended.mark(this.log.logEndOffset);
    if (this.#deps.flush === 'always') await this.log.sync();
    this.#durableBytes = this.#appended.bytesBelow(this.ownEnd);
  }

  /** As a follower: how far the leader has committed, of what this replica has for good. */
  committedByLeader(highWatermark: Offset): void {
    if (this.isLeader) return;
    const offset = Offset(Math.min(highWatermark, this.ownEnd));
    if (offset <= this.highWatermark) return;
    this.log.highWatermark = offset;
    this.#committedBytes = this.#appended.passed(offset);
    this.#notify();
  }

  /** As the leader: a follower's Fetch. NONE, or why it may not fetch here. */
  fetchedByFollower(id: BrokerId, fetch: FollowerFetch): ErrorCode {
    const leadership = this.#leadership;
    if (leadership === undefined) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const follower = leadership.follower(id);
    // The assignment may be newer than what this broker knows: the follower tries again, as in Kafka.
    if (follower === undefined) return ErrorCode.UNKNOWN_LEADER_EPOCH;
    const { logStartOffset } = follower;
    if (!leadership.fetched(follower, fetch, this.ownEnd)) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    this.#propose(leadership.expansion(follower, this.highWatermark));
    if (this.#advance() || follower.logStartOffset !== logStartOffset) this.#notify();
    return ErrorCode.NONE;
  }

  /** As the leader: followers that have fallen behind, or are gone, leave the in-sync replicas. */
  shrinkIsr(): void {
    if (this.isFailed) return;
    this.#propose(this.#leadership?.shrinkage(this.ownEnd));
  }

  /** Followers that have this replica's log up to the offset and may serve it, for consumers that are nearer to them (KIP-392). */
  readReplicas(offset: Offset): Replica[] {
    const leadership = this.#leadership;
    if (leadership === undefined) return [];
    return Array.from(leadership.followers).filter(
      ({ brokerId, logStartOffset, logEndOffset }) =>
        this.#state.isr.includes(brokerId) && logEndOffset >= offset && logStartOffset <= offset,
    );
  }

  /** Calls `onAdvance` after an end, the log's start or the role has changed, or the partition has failed or closed. */
  watch(onAdvance: () => void): () => void {
    this.#watchers.add(onAdvance);
    return () => this.#watchers.delete(onAdvance);
  }

  /** KIP-107: deletes records below the offset. Resolves with the new start of the log. */
  async deleteRecordsBefore(offset: Offset): Promise<Offset> {
    const start = await this.log.deleteRecordsBefore(offset);
    this.#notify();
    return start;
  }

  /** As the leader: the lowest start among the logs of the in-sync replicas and of those whose brokers are alive. */
  lowWatermark(isAlive: (broker: BrokerId) => boolean): Offset {
    const starts = Array.from(this.#leadership?.followers ?? [])
      .filter(({ brokerId }) => this.#state.isr.includes(brokerId) || isAlive(brokerId))
      .map(({ logStartOffset }) => logStartOffset);
    return Offset(Math.min(this.log.logStartOffset, ...starts));
  }

  /** As the leader: skips offsets that must not be reused. Durable when this resolves. @throws LogFailed, DiskFailed */
  async skipTo(offset: Offset): Promise<void> {
    await this.log.skipTo(offset, this.leaderEpoch);
    this.#advance();
    this.#notify();
  }

  /**
   * Deletes committed records beyond retention at this wall time. Followers delete nothing by themselves: their logs
   * start where the leader's does. @throws LogFailed, DiskFailed
   */
  async applyRetention(now: number): Promise<void> {
    if (!this.isLeader) return this.log.expireProducers();
    if ((await this.log.applyRetention(now, this.highWatermark)) > 0) this.#notify();
  }

  /** The topic is deleted or the broker stops: waiters are woken and nothing more is accepted. */
  retire(): void {
    this.#failed = true;
    this.#notify();
  }

  get #refusal(): AppendRefused | undefined {
    if (this.#failed) return GONE;
    return this.isLeader ? undefined : NOT_LEADER;
  }

  /** The log learns of the epoch before its first batch: clients request where it began (KIP-320). */
  #lead(state: PartitionState): void {
    const { log } = this;
    const isNewEpoch = !this.isLeader || state.leaderEpoch > this.leaderEpoch;
    if (isNewEpoch) log.beginEpoch(state.leaderEpoch);
    if (this.#leadership) this.#leadership.update(state, isNewEpoch ? log.logEndOffset : undefined);
    else {
      const { topic, topicId } = this;
      const { brokerId, clock } = this.#deps;
      const deps = { brokerId, clock, topic, topicId, config: this.#deps };
      this.#leadership = new Leadership(deps, state, log.logEndOffset);
    }
    if (this.ownEnd < log.logEndOffset) this.#scheduleCommit(); // fetched, and its sync did not come to its turn
  }

  #afterAppend(outcome: AppendOutcome, sizeBytes: number): AppendOutcome {
    this.#noteRoom(outcome);
    if (outcome.error === ErrorCode.NONE && !outcome.duplicate) {
      this.#appended.add(sizeBytes);
      if (this.#deps.flush === 'os') this.#advance();
      this.#scheduleCommit();
    }
    return outcome;
  }

  #noteRoom(outcome: AppendOutcome | FollowerAppendOutcome): void {
    if (outcome.error === ErrorCode.NONE) this.#isOutOfRoom = false;
    else if (outcome.isOutOfRoom) this.#isOutOfRoom = true;
  }

  #scheduleCommit(): void {
    if (this.#commitScheduled) return;
    this.#commitScheduled = true;
    queueMicrotask(() => void this.#commit());
  }

  async #commit(): Promise<void> {
    const { log } = this;
    try {
      let end: Offset;
      do {
        end = log.logEndOffset;
        this.#appended.mark(end);
        if (this.#deps.flush === 'always') await log.sync();
        this.#durableBytes = this.#appended.bytesBelow(this.ownEnd);
        this.#advance();
        this.#committedBytes = this.#appended.passed(this.highWatermark);
        this.#notify();
      } while (log.logEndOffset > end);
    } catch (failure) {
      const wasRetired = this.#failed;
      this.#failed = true;
      if (!wasRetired) this.#deps.reports.failed(this, failure);
      this.#notify();
    } finally {
      this.#commitScheduled = false;
    }
  }

  /** As the leader: whether more is committed now. */
  #advance(): boolean {
    const leadership = this.#leadership;
    if (leadership === undefined) return false;
    const { log, ownEnd, highWatermark } = this;
    invariant(
      ownEnd >= highWatermark,
      () => `${this.topic}-${this.index}: the log has ${ownEnd}, behind the high watermark ${highWatermark}`,
    );
    const end = leadership.committedEnd(ownEnd, log.config.minInsyncReplicas);
    if (end <= highWatermark) return false;
    log.highWatermark = end;
    this.#committedBytes = this.#appended.passed(end);
    return true;
  }

  #propose(proposal: IsrProposal | undefined): void {
    if (proposal === undefined) return;
    const leadership = this.#leadership;
    this.#deps.proposeIsr(proposal, () => {
      leadership?.refused(proposal);
      if (this.#advance()) this.#notify();
    });
  }

  #notify(): void {
    for (const watcher of this.#watchers) {
      try {
        watcher();
      } catch (failure) {
        this.#watchers.delete(watcher);
        this.#deps.reports.watcherFailed(this, failure);
      }
    }
  }
}

/** Epochs of one database say it all; those of a database that went back may repeat, so the rest is compared too. */
const isSame = (one: PartitionState, other: PartitionState): boolean =>
  one === other ||
  (one.leaderEpoch === other.leaderEpoch &&
    one.partitionEpoch === other.partitionEpoch &&
    one.leader === other.leader &&
    one.isr.join() === other.isr.join() &&
    one.replicas.join() === other.replicas.join());
