// One partition on one disk: batches in the order of their offsets, in segments, with the indexes and state to find and
// check them.
//
// Promises: records that `sync` has resolved for are never lost, changed or reordered, and their offsets are never
// reused; batches are stored as they came, except for base offset, leader epoch and, where the topic is so configured,
// the broker's time; a batch that is not whole is never served.
// Never: continues after a failed sync. Syncs by itself only for its own files (a roll, retention, flush.messages and
// flush.ms); the sync before an acknowledgement is the caller's.
//
// This is the public face. The parts: log-appender.ts, log-sync.ts, log-producers.ts, log-start.ts (retention),
// log-truncation.ts, log-cleaning.ts, log-health.ts, and read.ts.
import { ErrorCode, invariant, type LeaderEpoch, NO_LEADER_EPOCH, Offset, Timestamp, type Uuid } from '@milepost/core';
import type { RecordBatch } from '@milepost/records';
import { validateInSteps } from './append-validation.ts';
import type { Cleanable } from './cleanable.ts';
import { DeletedFiles } from './deleted-files.ts';
import { fillerBatch } from './filler.ts';
import { EpochHistory } from './epoch-history.ts';
import { DamageReports } from './integrity/damage-reports.ts';
import { LogAppender } from './log-appender.ts';
import { LogCleaning } from './log-cleaning.ts';
import type { LogConfig } from './log-config.ts';
import { type LogContext, LogFailed, type LogIdentity, type LogPast } from './log-context.ts';
import { LogHealth } from './log-health.ts';
import type { LogParts } from './log-parts.ts';
import { LogProducers } from './log-producers.ts';
import { LogStart } from './log-start.ts';
import { LogSync } from './log-sync.ts';
import { restartLog, type Rooms, truncateLog } from './log-truncation.ts';
import type {
  ActiveProducer,
  AppendOutcome,
  AppendRefused,
  EpochEnd,
  FollowerAppendOutcome,
  ReadOutcome,
  SearchTarget,
  TimestampedOffset,
} from './outcomes.ts';
import { recoverProducers, type RecoveredProducers } from './producer-recovery.ts';
import { ProducerState } from './producer-state.ts';
import { NO_RECORDS, readBatches, type ReadOptions, seek } from './read.ts';
import { recover } from './recovery.ts';
import { Segment } from './segment.ts';
import { SegmentList } from './segment-list.ts';
import { steppingOn } from './stepping.ts';
import { search, searchInSteps } from './time-lookup.ts';
import type { AbortedTransaction } from './transaction-index.ts';
import { rebuildTransactionIndexes } from './transaction-index-recovery.ts';
import type { TransactionMarker } from './transaction-marker.ts';
import type { Verification } from './verifications.ts';

/** The recovered, or empty, content that a log starts with. */
interface Content extends RecoveredProducers {
  readonly segments: Segment[];
  readonly epochs: EpochHistory;
  readonly logStartOffset: Offset;
  readonly lostTail: boolean;
  readonly mayLackAcknowledged: boolean;
  readonly scannedBytes: number;
  readonly cleanedUpTo: Offset;
  readonly highWatermark: Offset;
}

export class Log {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
  /** Recovery cut something, or cannot exclude a loss: a new leader epoch signals it to clients (KIP-320). */
  readonly lostTail: boolean;
  readonly recoveredBytes: number;
  readonly #mayLackAcknowledged: boolean;
  readonly #parts: LogParts;
  readonly #appender: LogAppender;
  readonly #start: LogStart;
  readonly #cleaning: LogCleaning;
  readonly #deletedFiles: DeletedFiles;
  readonly #damage: DamageReports;
  #highWatermark: Offset;

  private constructor(identity: LogIdentity, config: LogConfig, context: LogContext, content: Content) {
    this.topic = identity.topic;
    this.partition = identity.partition;
    this.topicId = identity.topicId;
    this.lostTail = content.lostTail;
    this.#mayLackAcknowledged = content.mayLackAcknowledged;
    this.recoveredBytes = content.scannedBytes;
    const { host, folder } = context;
    const { epochs } = content;
    this.#deletedFiles = new DeletedFiles(host);
    const segments = new SegmentList(content.segments, this.#deletedFiles);
    const health = new LogHealth(identity, context);
    const producers = new LogProducers(host, folder, this.#deletedFiles, content);
    const sync = new LogSync({ context, health, segments, epochs, afterSync: () => this.#start.dropBelow() });
    this.#parts = { context, segments, epochs, health, producers, sync, config };
    this.#appender = new LogAppender(this.#parts);
    this.#start = new LogStart(this.#parts, content.logStartOffset);
    const cleanedUpTo = content.cleanedUpTo <= this.logEndOffset ? content.cleanedUpTo : Offset(0);
    this.#cleaning = new LogCleaning(this.#parts, cleanedUpTo);
    this.#damage = new DamageReports(host.logger);
    this.#highWatermark = this.#withinLog(content.highWatermark);
  }

  /** For a folder without files. Durable when the caller has synced the folder's names. @throws DiskFailed */
  static create(identity: LogIdentity, config: LogConfig, context: LogContext): Log {
    const first = new Segment(context.host.disk, context.folder, Offset(0), { isNew: true });
    return new Log(identity, config, context, {
      segments: [first],
      epochs: EpochHistory.parse(undefined),
      producers: new ProducerState(),
      snapshots: [],
      logStartOffset: Offset(0),
      lostTail: false,
      mayLackAcknowledged: false,
      scannedBytes: 0,
      cleanedUpTo: Offset(0),
      highWatermark: Offset(0),
    });
  }

  /** An empty folder becomes an empty log. All records served below `flushedOffset` are durable. @throws DiskFailed */
  static async open(identity: LogIdentity, config: LogConfig, context: LogContext, past: LogPast): Promise<Log> {
    const { folder, host } = context;
    const { disk, clock, logger } = host;
    const task = { disk, clock, logger, folder, ...past, indexIntervalBytes: config.indexIntervalBytes };
    const { isShort, mayLackSynced, unsureOfAborted, ...recovered } = await recover(task);
    await rebuildTransactionIndexes(host, folder, recovered.segments, unsureOfAborted);
    const { cleanedUpTo, highWatermark } = past;
    const producers = await recoverProducers(host, folder, recovered.segments, { highWatermark, isShort });
    const mayLackUnsynced = past.acknowledgedUnsynced && !past.wasClean;
    const lostTail = recovered.lostTail || mayLackUnsynced;
    const mayLackAcknowledged = mayLackSynced || mayLackUnsynced;
    const content = { ...recovered, ...producers, lostTail, mayLackAcknowledged, cleanedUpTo, highWatermark };
    return new Log(identity, config, context, content);
  }

  /** The topic's current config. */
  get config(): LogConfig {
    return this.#parts.config;
  }
  set config(config: LogConfig) {
    this.#parts.config = config;
  }
  get logStartOffset(): Offset {
    return this.#start.offset;
  }
  /** The offset of the next record. */
  get logEndOffset(): Offset {
    return this.#parts.segments.active.nextOffset;
  }
  /** Exclusive: everything below is durable. */
  get flushedOffset(): Offset {
    return this.#parts.sync.flushedOffset;
  }
  /**
   * Exclusive: all below is committed, as the log's partition knows it. Saved now and then, so that it may be behind after
   * a start.
   */
  get highWatermark(): Offset {
    return this.#highWatermark;
  }
  set highWatermark(offset: Offset) {
    invariant(
      offset <= this.logEndOffset,
      () => `${this.#parts.health.name}: high watermark ${offset}, the log ends at ${this.logEndOffset}`,
    );
    this.#highWatermark = offset;
  }
  get failed(): boolean {
    return this.#parts.health.failure !== undefined;
  }
  /**
   * Recovery cannot exclude that records are missing, or damaged, that this log had for good. A torn write with flush
   * `always` is no such loss.
   */
  get mayLackAcknowledged(): boolean {
    return this.#mayLackAcknowledged;
  }
  get sizeBytes(): number {
    return this.#parts.segments.sizeBytes;
  }
  get latestEpoch(): LeaderEpoch {
    return this.#parts.epochs.latest;
  }
  /** The first that has records here, or the latest where none has. */
  get earliestEpoch(): LeaderEpoch {
    return this.#parts.epochs.starts[0]?.epoch ?? NO_LEADER_EPOCH;
  }

  /**
   * Validates one batch of a client, assigns its offsets (in place, unless the topic wants another codec), and appends
   * it. Acknowledge it after `sync`; also a duplicate, whose original may not be durable yet. `undefined`: it unpacks
   * to more than `unpackBytes`; `validate` and `appendValid` do the same without holding the loop.
   */
  append(records: Buffer, leaderEpoch: LeaderEpoch): AppendOutcome;
  append(records: Buffer, leaderEpoch: LeaderEpoch, unpackBytes?: number): AppendOutcome | undefined;
  append(records: Buffer, leaderEpoch: LeaderEpoch, unpackBytes?: number): AppendOutcome | undefined {
    return this.#appender.append(records, leaderEpoch, unpackBytes);
  }

  /** The batch in the form to store, or the refusal, for `appendValid`. The records must not change meanwhile. */
  validate(records: Buffer): Promise<RecordBatch | AppendRefused> {
    return validateInSteps(records, this.config, this.#parts.context.host);
  }

  /** Like `append`, for a validated batch. */
  appendValid(batch: RecordBatch | AppendRefused, leaderEpoch: LeaderEpoch): AppendOutcome {
    return this.#appender.appendValid(batch, leaderEpoch, this.#parts.context.host.clock.now());
  }

  /** Appends the leader's batches at their own offsets and with their own epochs. Durable after `sync`. */
  appendAsFollower(records: Buffer): FollowerAppendOutcome {
    return this.#appender.appendAsFollower(records);
  }

  /**
   * Before a batch that would begin its producer's transaction here is appended: to be confirmed when the coordinator says
   * that the partition is part of the transaction (`addsPartition`: the produce itself adds it, transaction version 2).
   * Undefined: the batch belongs to an ongoing transaction.
   */
  beginVerification(batch: RecordBatch, addsPartition: boolean): Verification | AppendRefused | undefined {
    return this.#parts.producers.beginVerification(batch, addsPartition);
  }

  /** Ends the producer's transaction here, if it has one; the marker is appended in any case. */
  appendMarker(marker: TransactionMarker, leaderEpoch: LeaderEpoch): AppendOutcome {
    return this.#appender.appendMarker(marker, leaderEpoch);
  }

  /** The transaction of the producer that has no marker here yet. */
  ongoingTransaction(producerId: bigint): { readonly producerEpoch: number; readonly firstOffset: Offset } | undefined {
    return this.#parts.producers.ongoingTransaction(producerId);
  }

  /** Aborted transactions that have records in the range, `upTo` exclusive, and ended at or beyond its start. @throws DiskFailed */
  abortedTransactions(from: Offset, upTo: Offset): AbortedTransaction[] {
    const found: AbortedTransaction[] = [];
    const { segments } = this.#parts;
    const { all } = segments;
    for (let n = segments.placeOf(from); n < all.length; n++)
      if ((all[n] as Segment).collectAborted(from, upTo, found)) break;
    return found;
  }

  /** The bytes of the batches from one offset to another; both are where a batch begins or the log ends. @throws DiskFailed */
  bytesBetween(from: Offset, to: Offset): number {
    const { all } = this.#parts.segments;
    const [first, last] = [this.#parts.segments.placeOf(from), this.#parts.segments.placeOf(to)];
    let bytes = positionOf(all[last] as Segment, to) - positionOf(all[first] as Segment, from);
    for (let n = first; n < last; n++) bytes += (all[n] as Segment).sizeBytes;
    return bytes;
  }

  /** Exclusive: below it every transaction has ended with a marker below the high watermark, which never decreases. */
  lastStableOffset(highWatermark: Offset): Offset {
    const unstable = this.#parts.producers.firstUnstable(highWatermark);
    if (unstable === undefined || unstable >= highWatermark) return highWatermark;
    return unstable > this.logStartOffset ? unstable : this.logStartOffset; // its first records may have been deleted
  }

  /**
   * Group commit: resolves when everything appended before this call is durable. @throws LogFailed, from then on always
   */
  sync(): Promise<void> {
    return this.#parts.sync.all();
  }

  /** Whole batches, verbatim, from the one that contains the offset. Synchronous: the page cache is the cache. */
  read(from: Offset, options: ReadOptions): ReadOutcome {
    if (from < this.logStartOffset || from > this.logEndOffset)
      return {
        error: ErrorCode.OFFSET_OUT_OF_RANGE,
        message: `offset ${from}, expected ${this.logStartOffset} to ${this.logEndOffset}`,
      };
    if (from >= options.upTo) return { error: ErrorCode.NONE, records: NO_RECORDS };
    const { segments, context, config, health } = this.#parts;
    const checks = { nowMs: context.host.clock.monotonic(), epochAt: (offset: Offset) => this.epochAt(offset) };
    try {
      const { all } = segments;
      for (let n = segments.placeOf(from); n < all.length; n++) {
        const segment = all[n] as Segment;
        const found = readBatches(segment, from, options, checks);
        if (found === undefined) {
          const next = all[n + 1]?.baseOffset;
          if (next !== undefined && from < next && !config.compact) this.#damage.missing(segment, from, next);
          continue;
        }
        return Buffer.isBuffer(found) ? { error: ErrorCode.NONE, records: found } : this.#damage.refused(found);
      }
      return { error: ErrorCode.NONE, records: NO_RECORDS };
    } catch (failure) {
      return health.refusedByDisk(failure);
    }
  }

  /**
   * The first record at or after the time, or with the largest, before `upTo`. UNPACKS_TO_MORE: it may be in a batch that
   * unpacks to more than `unpackBytes`; `offsetForTimestampInSteps` does not hold the loop. @throws DiskFailed
   */
  offsetForTimestamp(target: SearchTarget, upTo: Offset): TimestampedOffset | undefined;
  offsetForTimestamp(target: SearchTarget, upTo: Offset, unpackBytes?: number): ReturnType<typeof search>;
  offsetForTimestamp(target: SearchTarget, upTo: Offset, unpackBytes?: number): ReturnType<typeof search> {
    return search(this.#parts.segments.all, target, { from: this.logStartOffset, upTo }, unpackBytes);
  }

  /** @throws DiskFailed */
  offsetForTimestampInSteps(target: SearchTarget, upTo: Offset): Promise<TimestampedOffset | undefined> {
    const { context, segments } = this.#parts;
    return searchInSteps(() => segments.all, target, { from: this.logStartOffset, upTo }, steppingOn(context.host));
  }

  /** Undefined for an epoch that this log has never seen. */
  endOffsetForEpoch(epoch: LeaderEpoch): EpochEnd | undefined {
    return this.#parts.epochs.endOf(epoch, this.logEndOffset);
  }
  epochAt(offset: Offset): LeaderEpoch {
    return this.#parts.epochs.at(offset);
  }
  /** A leader begins: the epoch is known from now on, even before its first batch. */
  beginEpoch(epoch: LeaderEpoch): void {
    this.#parts.epochs.begin(epoch, this.logEndOffset);
  }

  /**
   * Never assigns an offset below `offset` any more; a log without records starts there. Resolves when that is durable.
   * @throws LogFailed, DiskFailed
   */
  async skipTo(offset: Offset, leaderEpoch: LeaderEpoch): Promise<void> {
    const isEmpty = this.logStartOffset === this.logEndOffset;
    const now = Timestamp(this.#parts.context.host.clock.now());
    while (this.logEndOffset < offset) {
      const filler = fillerBatch(this.logEndOffset, offset, leaderEpoch, now);
      const outcome = this.#appender.appendValid(filler, leaderEpoch, now);
      if (outcome.error !== ErrorCode.NONE) throw new LogFailed(outcome.message);
    }
    await this.sync();
    if (isEmpty) await this.deleteRecordsBefore(this.logEndOffset);
  }

  /**
   * KIP-107. Resolves with the new start, which is durable and never beyond the flushed offset. @throws LogFailed,
   * DiskFailed
   */
  async deleteRecordsBefore(offset: Offset): Promise<Offset> {
    await this.#start.deleteRecordsBefore(offset);
    return this.logStartOffset;
  }

  /**
   * Deletes segments beyond the limits of age or size at this wall time, of those that end at or below `upTo`, and
   * removes silent producers. Resolves with the number of segments; 0 for a failed log. @throws LogFailed, DiskFailed
   */
  async applyRetention(now: number, upTo: Offset = this.logEndOffset): Promise<number> {
    if (this.failed) return 0;
    this.expireProducers();
    return this.#start.applyRetention(now, upTo, () => this.#appender.roll());
  }

  /** Removes producers that have been silent for producer.id.expiration.ms. */
  expireProducers(): void {
    const { producers, context, config } = this.#parts;
    producers.expire(context.host.clock.monotonic(), config.producerIdExpirationMs);
  }

  /**
   * Cuts everything from the batch that contains the offset on, and forgets the epochs that began there. Resolves when
   * that is durable. @throws LogFailed, DiskFailed
   */
  async truncateTo(offset: Offset): Promise<void> {
    this.#parts.health.mustBeWritable();
    if (offset < this.logStartOffset) return this.restartAt(offset);
    await truncateLog(this.#parts, this.#rooms, offset, this.#highWatermark);
    this.#highWatermark = this.#withinLog(this.#highWatermark);
  }

  /** Deletes all of it, epochs and producers included, and starts there. Durable when this resolves. @throws LogFailed, DiskFailed */
  async restartAt(offset: Offset): Promise<void> {
    this.#parts.health.mustBeWritable();
    await restartLog(this.#parts, this.#rooms, offset);
    this.#highWatermark = this.#withinLog(this.#highWatermark);
  }

  get #rooms(): Rooms {
    return { appender: this.#appender, start: this.#start, cleaning: this.#cleaning };
  }

  #withinLog(offset: Offset): Offset {
    return Offset(Math.max(this.logStartOffset, Math.min(offset, this.logEndOffset)));
  }

  /** Exclusive: the end of what was cleaned. */
  get cleanedUpTo(): Offset {
    return this.#cleaning.cleanedUpTo;
  }

  /** How dirty the log is below the last stable offset and the flushed offset. @throws DiskFailed */
  cleanable(lastStableOffset: Offset, now: number): Cleanable {
    return this.#cleaning.cleanable(this.logStartOffset, lastStableOffset, now);
  }

  /** The segments that begin below the offset; never the active one. */
  segmentsBelow(offset: Offset): readonly Segment[] {
    return this.#parts.segments.startingBelow(offset);
  }

  /** Whether these still are adjacent segments of the log, and the log may be written. */
  hasSegments(segments: readonly Segment[]): boolean {
    return !this.failed && this.#parts.segments.hasRun(segments);
  }

  /** A segment beside the log, for `replaceSegments`. @throws DiskFailed */
  newCleanedSegment(baseOffset: Offset): Segment {
    return this.#cleaning.newSegment(baseOffset);
  }

  /** Recognizes batches that hold the current last sequence of a producer. */
  lastBatchesOfProducers(): (batch: RecordBatch) => boolean {
    return this.#parts.producers.lastBatches();
  }

  /**
   * Replaces segments by the synced segment that was made from them (segment-swap.ts); durable when this resolves.
   * False: they no longer belong to the log; the new segment is removed then and nothing has changed. @throws
   * DiskFailed: as false; LogFailed
   */
  replaceSegments(sources: readonly Segment[], cleaned: Segment): Promise<boolean> {
    return this.#cleaning.replace(sources, cleaned, () => this.hasSegments(sources));
  }

  /** Durable when this resolves. @throws DiskFailed */
  cleanedTo(offset: Offset): Promise<void> {
    return this.#cleaning.cleanedTo(offset);
  }

  /** Producers with state here (KIP-664). */
  activeProducers(): ActiveProducer[] {
    return this.#parts.producers.active();
  }

  /** The largest id of a producer with state here; -1 for none. */
  get largestProducerId(): bigint {
    return this.#parts.producers.largestId();
  }

  /** A clean stop: with the folder's marker, the next start needs no scan. False if the log had failed. */
  async close(): Promise<boolean> {
    const { health, segments, sync, producers, epochs, context } = this.#parts;
    try {
      if (this.failed) return false;
      segments.active.seal();
      sync.add(...producers.writeSnapshot(this.logEndOffset), segments.active);
      await sync.all();
      return !epochs.isDirty;
    } catch (failure) {
      if (!this.failed) context.host.logger.error({ failure }, `${health.name}: not closed cleanly`);
      return false;
    } finally {
      await this.retire('it was closed');
    }
  }

  /** Nothing more is accepted; the current sync ends first. */
  async retire(reason: string): Promise<void> {
    const { health, segments, sync } = this.#parts;
    health.retire(reason);
    this.#deletedFiles.close();
    this.#appender.close();
    await this.#cleaning.settled();
    await sync.next().catch(() => {});
    segments.close();
  }
}

function positionOf(segment: Segment, offset: Offset): number {
  const place = offset >= segment.nextOffset ? undefined : seek(segment, offset);
  return place?.position ?? segment.sizeBytes;
}
