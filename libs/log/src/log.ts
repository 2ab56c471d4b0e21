// One partition on one disk: batches in the order of their offsets, in segments, with what it takes to find and trust them.
//
// Promises: what `sync` has resolved for is never lost, changed or reordered, and its offsets are never given out again;
// batches are stored as they came, but for base offset, leader epoch and, where the topic says so, the broker's time; a
// batch that is not whole is never served.
// Never: syncs by itself (the caller does, before it acknowledges; a roll only hurries), goes on after a failed sync.
import {
  DiskFailed,
  ErrorCode,
  invariant,
  LeaderEpoch,
  NO_TIMESTAMP,
  Offset,
  Timestamp,
  type Uuid,
} from '@milepost/core';
import type { RecordBatch } from '@milepost/records';
import { isRefused, validateAppend, validateInSteps } from './append-validation.ts';
import { replaceText } from './checkpoint.ts';
import { type Cleanable, cleanableOf } from './cleanable.ts';
import { DamageReports } from './integrity/damage-reports.ts';
import { DeletedFiles } from './deleted-files.ts';
import { markFailedSync } from './integrity/failed-sync.ts';
import { FlushSchedule } from './flush-schedule.ts';
import { EpochHistory } from './epoch-history.ts';
import { GroupCommit } from './group-commit.ts';
import type { LogConfig } from './log-config.ts';
import { type LogIdentity, LogFailed, type LogPast, type LogContext } from './log-context.ts';
import {
  type ActiveProducer,
  type AppendOutcome,
  type AppendRefused,
  type EpochEnd,
  olderEpoch,
  type ReadOutcome,
  storageError,
  type TimestampedOffset,
} from './outcomes.ts';
import { recoverProducers } from './producer-recovery.ts';
import { firstOffset, ProducerState } from './producer-state.ts';
import { NO_RECORDS, readBatches, type ReadOptions, seek } from './read.ts';
import { EPOCH_FILE, recover } from './recovery.ts';
import { expiredCount } from './retention.ts';
import { type Damage, describeDamage } from './integrity/flaws.ts';
import { Segment } from './segment.ts';
import { SegmentList } from './segment-list.ts';
import { CLEANED, SWAP } from './segment-swap.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import { firstAtOrAfter, largestTimestamp } from './time-lookup.ts';
import { unlessFull } from './unless-full.ts';

export class Log {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
  /** Recovery had to cut something, or cannot know: a new leader epoch tells clients (KIP-320). */
  readonly lostTail: boolean;
  readonly recoveredBytes: number;
  config: LogConfig;
  readonly #around: LogContext;
  readonly #segments: SegmentList;
  readonly #epochs: EpochHistory;
  readonly #commit = new GroupCommit(() => this.#flush());
  readonly #deletedFiles: DeletedFiles;
  readonly #flushes: FlushSchedule;
  /** Of the last segment. */
  #jitterMs: number;
  #producers: ProducerState;
  #snapshots: SnapshotFiles;
  #logStartOffset: Offset;
  #flushedOffset: Offset;
  /** Files beside the last segment's .log that hold something unsynced. */
  #unsynced: { sync(): Promise<void> }[] = [];
  /** A roll that failed half way is finished before anything else is appended. */
  #mustRoll = false;
  #failure: LogFailed | undefined;
  #isFlushing = false;
  /** As of the checkpoint, at the least. */
  #savedStart: Offset;
  /** Segments below it go, between two syncs. */
  #keptFrom: Offset;
  readonly #damage: DamageReports;
  #cleanedUpTo: Offset;
  /** While a cleaned segment is half in place; settles without an error. */
  #swapping: Promise<unknown> | undefined;

  private constructor(
    identity: LogIdentity,
    config: LogConfig,
    around: LogContext,
    content: {
      readonly segments: Segment[];
      readonly epochs: EpochHistory;
      readonly producers: ProducerState;
      readonly snapshots: Offset[];
      readonly logStartOffset: Offset;
      readonly lostTail: boolean;
      readonly scannedBytes: number;
      readonly cleanedUpTo: Offset;
    },
  ) {
    this.topic = identity.topic;
    this.partition = identity.partition;
    this.topicId = identity.topicId;
    this.config = config;
    this.lostTail = content.lostTail;
    this.recoveredBytes = content.scannedBytes;
    this.#around = around;
    this.#epochs = content.epochs;
    this.#producers = content.producers;
    this.#logStartOffset = content.logStartOffset;
    this.#savedStart = content.logStartOffset;
    this.#keptFrom = content.logStartOffset;
    this.#deletedFiles = new DeletedFiles(around.host);
    this.#segments = new SegmentList(content.segments, this.#deletedFiles);
    this.#flushedOffset = this.logEndOffset;
    this.#damage = new DamageReports(around.host.logger);
    this.#snapshots = new SnapshotFiles(around.host.disk, around.folder, this.#deletedFiles, content.snapshots);
    this.#flushes = new FlushSchedule(around.host.clock, () => this.sync());
    this.#jitterMs = this.#randomJitter();
    this.#cleanedUpTo = content.cleanedUpTo <= this.logEndOffset ? content.cleanedUpTo : Offset(0);
  }

  /** In a folder without a file. Durable when the caller has synced the folder's names. @throws DiskFailed */
  static create(identity: LogIdentity, config: LogConfig, around: LogContext): Log {
    const first = new Segment(around.host.disk, around.folder, Offset(0), { isNew: true });
    return new Log(identity, config, around, {
      segments: [first],
      epochs: EpochHistory.parse(undefined),
      producers: new ProducerState(),
      snapshots: [],
      logStartOffset: Offset(0),
      lostTail: false,
      scannedBytes: 0,
      cleanedUpTo: Offset(0),
    });
  }

  /** An empty folder becomes an empty log. All that is answered below `flushedOffset` is on the platter. @throws DiskFailed */
  static async open(identity: LogIdentity, config: LogConfig, around: LogContext, past: LogPast): Promise<Log> {
    const { folder, host } = around;
    const { disk, clock, logger } = host;
    const task = { disk, clock, logger, folder, ...past, indexIntervalBytes: config.indexIntervalBytes };
    const { isShort, ...recovered } = await recover(task);
    const producers = await recoverProducers(host, folder, recovered.segments, isShort);
    const lostTail = recovered.lostTail || (past.wasLax && !past.wasClean);
    const { cleanedUpTo } = past;
    return new Log(identity, config, around, { ...recovered, ...producers, lostTail, cleanedUpTo });
  }

  get logStartOffset(): Offset {
    return this.#logStartOffset;
  }
  /** The offset that comes next. */
  get logEndOffset(): Offset {
    return this.#segments.active.nextOffset;
  }
  /** Exclusive: all below is on the platter. */
  get flushedOffset(): Offset {
    return this.#flushedOffset;
  }
  get failed(): boolean {
    return this.#failure !== undefined;
  }
  get sizeBytes(): number {
    return this.#segments.sizeBytes;
  }
  get latestEpoch(): LeaderEpoch {
    return this.#epochs.latest;
  }

  /**
   * Validates one batch of a client, gives it its offsets (in place, unless the topic wants another codec), and appends
   * it. It is acknowledged after `sync`; so is a duplicate, whose original may not be on the platter yet.
   * `undefined`: it unpacks to more than `unpackBytes`; `validate` and `appendValid` do the same without holding the loop.
   */
  append(records: Buffer, leaderEpoch: LeaderEpoch): AppendOutcome;
  append(records: Buffer, leaderEpoch: LeaderEpoch, unpackBytes?: number): AppendOutcome | undefined;
  append(records: Buffer, leaderEpoch: LeaderEpoch, unpackBytes?: number): AppendOutcome | undefined {
    const now = this.#around.host.clock.now();
    const refused = this.#refusal(leaderEpoch);
    if (refused !== undefined) return refused;
    const batch = validateAppend(records, this.config, now, unpackBytes);
    return batch && this.appendValid(batch, leaderEpoch, now);
  }

  /** The batch as it is to be stored, or why not, for `appendValid`. The records must not change meanwhile. */
  validate(records: Buffer): Promise<RecordBatch | AppendRefused> {
    return validateInSteps(records, this.config, this.#around.host);
  }

  /** As `append`, of what was validated. */
  appendValid(
    batch: RecordBatch | AppendRefused,
    leaderEpoch: LeaderEpoch,
    now = this.#around.host.clock.now(),
  ): AppendOutcome {
    const refused = this.#refusal(leaderEpoch);
    if (refused !== undefined) return refused;
    if (isRefused(batch)) return batch;
    const isStamped = this.config.timestampType === 'LogAppendTime';
    const verdict = this.#producers.check(batch);
    if (verdict.kind === 'refused') return verdict.refused;
    if (verdict.kind === 'duplicate') {
      const { of } = verdict;
      const logAppendTimeMs = isStamped ? of.timestamp : NO_TIMESTAMP;
      const baseOffset = firstOffset(of);
      return { error: ErrorCode.NONE, baseOffset, lastOffset: of.lastOffset, logAppendTimeMs, duplicate: true };
    }

    batch.assign(this.logEndOffset, leaderEpoch);
    if (isStamped) batch.setLogAppendTime(Timestamp(now));
    const failure = this.#store(batch.bytes, [batch]);
    if (failure !== undefined) {
      this.#producers.missed(batch);
      return failure;
    }
    const { baseOffset, lastOffset } = batch;
    const logAppendTimeMs = isStamped ? Timestamp(now) : NO_TIMESTAMP;
    return { error: ErrorCode.NONE, baseOffset, lastOffset, logAppendTimeMs, duplicate: false };
  }

  /** Why nothing can be appended now, whatever it is. */
  #refusal(leaderEpoch: LeaderEpoch): AppendRefused | undefined {
    if (this.#failure !== undefined) return storageError(this.#failure.message);
    return leaderEpoch < this.latestEpoch ? olderEpoch(leaderEpoch, this.latestEpoch) : undefined;
  }

  /** Group commit: resolves when all that was appended before this call is durable. @throws LogFailed, from then on always */
  async sync(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const isBehind = this.#flushedOffset < this.logEndOffset || this.#unsynced.length > 0;
    await (isBehind ? this.#commit.run() : this.#commit.current()); // what a sync under way has taken is not durable yet
  }

  /** Whole batches, verbatim, from the one that contains the offset. Synchronous: the page cache is the cache. */
  read(from: Offset, options: ReadOptions): ReadOutcome {
    if (from < this.#logStartOffset || from > this.logEndOffset)
      return {
        error: ErrorCode.OFFSET_OUT_OF_RANGE,
        message: `offset ${from}, expected ${this.#logStartOffset} to ${this.logEndOffset}`,
      };
    if (from >= options.upTo) return { error: ErrorCode.NONE, records: NO_RECORDS };
    const checks = { nowMs: this.#around.host.clock.monotonic(), epochAt: (offset: Offset) => this.epochAt(offset) };
    try {
      const segments = this.#segments.all;
      for (let n = this.#segments.placeOf(from); n < segments.length; n++) {
        const segment = segments[n] as Segment;
        const found = readBatches(segment, from, options, checks);
        if (found === undefined) {
          const next = segments[n + 1]?.baseOffset;
          if (next !== undefined && from < next && !this.config.compact) this.#damage.missing(segment, from, next);
          continue;
        }
        return Buffer.isBuffer(found) ? { error: ErrorCode.NONE, records: found } : this.#damage.refused(found);
      }
      return { error: ErrorCode.NONE, records: NO_RECORDS };
    } catch (failure) {
      return this.#diskError(failure);
    }
  }

  /** The first record at or after the time, before `upTo`. @throws DiskFailed */
  offsetForTimestamp(target: number, upTo: Offset): TimestampedOffset | undefined {
    return firstAtOrAfter(this.#segments.all, target, { from: this.#logStartOffset, upTo });
  }

  /** The first of the records with the largest timestamp before `upTo`. @throws DiskFailed */
  maxTimestamp(upTo: Offset): TimestampedOffset | undefined {
    return largestTimestamp(this.#segments.all, { from: this.#logStartOffset, upTo });
  }

  /** Undefined for an epoch that this log has not heard of. */
  endOffsetForEpoch(epoch: LeaderEpoch): EpochEnd | undefined {
    return this.#epochs.endOf(epoch, this.logEndOffset);
  }
  epochAt(offset: Offset): LeaderEpoch {
    return this.#epochs.at(offset);
  }
  /** A leader takes over: the epoch is known from here on, even before its first batch. */
  beginEpoch(epoch: LeaderEpoch): void {
    this.#epochs.begin(epoch, this.logEndOffset);
  }

  /** KIP-107. Answers the new start, which is durable and never beyond what is flushed. @throws LogFailed, DiskFailed */
  async deleteRecordsBefore(offset: Offset): Promise<Offset> {
    invariant(offset <= this.logEndOffset, () => `${offset} is beyond the log's end ${this.logEndOffset}`);
    await this.#startAt(offset, async () => {
      await this.#around.saveOffsets();
      return true;
    });
    return this.#logStartOffset;
  }

  /**
   * Deletes what is too old or too much at this wall time, and forgets silent producers. Answers how many segments went;
   * none of a failed log. @throws LogFailed, DiskFailed
   */
  async applyRetention(now: number): Promise<number> {
    if (this.#failure !== undefined) return 0;
    this.#producers.expire(this.#around.host.clock.monotonic(), this.config.producerIdExpirationMs);
    const segments = this.#segments.all;
    const expired = segments.slice(0, expiredCount(segments, this.config, now, this.#logStartOffset));
    const isAll = expired.length === segments.length;
    if (isAll && !(await this.#unlessFull('a roll', () => this.#roll()))) expired.pop();
    const last = expired.at(-1);
    if (last === undefined) return 0;
    await this.#startAt(last.nextOffset, () => this.#unlessFull('a checkpoint', this.#around.saveOffsets));
    return expired.length;
  }

  /** Cuts all from the batch that contains the offset on. Resolves when that is durable. @throws LogFailed, DiskFailed */
  async truncateTo(offset: Offset): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (offset >= this.logEndOffset) return;
    invariant(offset >= this.#logStartOffset, () => `cut to ${offset}, the log starts at ${this.#logStartOffset}`);
    const { host, folder } = this.#around;
    const { disk } = host;
    if (this.#swapping !== undefined) await this.#swapping; // finished at the next start, it would bring the cut back
    this.#flushedOffset = Offset(Math.min(this.#flushedOffset, offset));
    this.#cleanedUpTo = Offset(Math.min(this.#cleanedUpTo, offset));
    await this.#around.saveOffsets(); // else a start would take for synced what comes in place of the cut
    while (this.#isFlushing) await this.#commit.run();
    const later = this.#segments.all.slice(this.#segments.placeOf(offset) + 1);
    for (const segment of later.toReversed()) {
      this.#drop(segment); // the last one first: in any power cut a log without gaps
      this.#unsynced = this.#unsynced.filter((file) => file !== segment);
    }
    const place = seek(this.#segments.active, offset);
    invariant(
      place === undefined || 'sizeBytes' in place,
      () => `cannot cut to ${offset}: ${describeDamage(place as Damage)}`,
    );
    // In a hole that cleaning has left, the log ends where it was cut.
    if (place !== undefined) this.#segments.active.truncate(place.position, Offset(Math.min(place.baseOffset, offset)));
    this.#flushedOffset = Offset(Math.min(this.#flushedOffset, this.logEndOffset));
    this.#epochs.truncateFromEnd(this.logEndOffset);
    const recovered = await recoverProducers(host, folder, this.#segments.all);
    this.#producers = recovered.producers;
    this.#snapshots = new SnapshotFiles(disk, folder, this.#deletedFiles, recovered.snapshots);
    this.#unsynced.push(this.#segments.active, { sync: () => disk.syncFolder(folder) });
    await this.#commit.run();
  }

  /** All below was cleaned. */
  get cleanedUpTo(): Offset {
    return this.#cleanedUpTo;
  }

  /** How dirty it is, of what lies below the last stable offset and on the platter. @throws DiskFailed */
  cleanable(lastStableOffset: Offset, now: number): Cleanable {
    const { config, logStartOffset, cleanedUpTo } = this;
    const stableOffset = Offset(Math.min(lastStableOffset, this.#flushedOffset));
    return cleanableOf({ segments: this.#segments.all, config, logStartOffset, cleanedUpTo, stableOffset }, now);
  }

  /** Those that begin below the offset; never the active one. */
  segmentsBelow(offset: Offset): readonly Segment[] {
    return this.#segments.startingBelow(offset);
  }

  /** Whether they are still the log's, one behind the other, and the log may be written. */
  hasSegments(segments: readonly Segment[]): boolean {
    return this.#failure === undefined && this.#segments.hasRun(segments);
  }

  /** Beside the log, for `replaceSegments`. @throws DiskFailed */
  newCleanedSegment(baseOffset: Offset): Segment {
    return new Segment(this.#around.host.disk, this.#around.folder, baseOffset, { isNew: true, suffix: CLEANED });
  }

  /** Tells batches that hold the last sequence of a producer, as of now. */
  lastBatchesOfProducers(): (batch: RecordBatch) => boolean {
    return this.#producers.lastBatches();
  }

  /**
   * A synced segment in place of those that it was made from (segment-swap.ts), durable when this resolves. False: they
   * are the log's no more; the new one is gone then and nothing has changed. @throws DiskFailed: as false; LogFailed
   */
  replaceSegments(sources: readonly Segment[], cleaned: Segment): Promise<boolean> {
    const replaced = this.#replace(sources, cleaned);
    this.#swapping = replaced
      .catch(() => {}) // the caller hears of it
      .finally(() => {
        this.#swapping = undefined;
      });
    return replaced;
  }

  /** Durable when this resolves. @throws DiskFailed */
  async cleanedTo(offset: Offset): Promise<void> {
    this.#cleanedUpTo = Offset(Math.max(this.#cleanedUpTo, offset));
    await this.#around.saveOffsets();
  }

  /** Producers with state here (KIP-664). */
  activeProducers(): ActiveProducer[] {
    return this.#producers.active();
  }

  /** A clean stop: with the folder's marker, the next start needs no scan. False where the log had failed. */
  async close(): Promise<boolean> {
    try {
      if (this.#failure !== undefined) return false;
      this.#segments.active.seal();
      this.#unsynced.push(...this.#snapshots.write(this.logEndOffset, this.#producers));
      this.#unsynced.push(this.#segments.active);
      await this.sync();
      return !this.#epochs.isDirty;
    } catch (failure) {
      if (!this.failed) this.#around.host.logger.error({ failure }, `${this.#name}: not closed cleanly`);
      return false;
    } finally {
      await this.retire('it was closed');
    }
  }

  /** Nothing more is accepted; a sync under way ends first. */
  async retire(reason: string): Promise<void> {
    this.#failure ??= new LogFailed(`${this.#name}: ${reason}`);
    this.#deletedFiles.close();
    this.#flushes.close();
    await this.#swapping;
    await this.#commit.run().catch(() => {});
    this.#segments.close();
  }

  get #name(): string {
    return `${this.topic}-${this.partition}`;
  }

  /** The batches have their offsets. Nothing is appended where an error is answered. */
  #store(records: Buffer, batches: readonly RecordBatch[]): AppendRefused | undefined {
    const last = batches.at(-1) as RecordBatch;
    const maxTimestamp = batches.reduce((largest, batch) => Math.max(largest, batch.maxTimestamp), -1) as Timestamp;
    try {
      if (
        this.#mustRoll ||
        this.#segments.active.isFullFor(records.length, last.lastOffset, maxTimestamp, this.config, this.#jitterMs)
      )
        this.#roll();
      this.#segments.active.append(records, batches, this.config.indexIntervalBytes);
    } catch (failure) {
      return this.#diskError(failure);
    }
    const now = this.#around.host.clock.monotonic();
    for (const batch of batches) {
      this.#epochs.begin(batch.leaderEpoch, batch.baseOffset);
      this.#producers.apply(batch, now);
    }
    if (this.#around.isLax) this.#flushes.appended(this.logEndOffset - this.#flushedOffset, this.config);
    return undefined;
  }

  /** Drawn for each segment, so that partitions that began together do not end their segments together. */
  #randomJitter(): number {
    const most = Math.min(this.config.segmentJitterMs, this.config.segmentMs, 2 ** 31 - 1);
    return most > 0 ? this.#around.host.random.below(most) : 0;
  }

  /** The next segment begins at the log's end. @throws DiskFailed, and then the roll is still to be done. */
  #roll(): void {
    this.#mustRoll = true;
    const { folder } = this.#around;
    const { disk } = this.#around.host;
    const full = this.#segments.active;
    full.seal();
    this.#unsynced.push(...this.#snapshots.write(this.logEndOffset, this.#producers));
    const next = new Segment(disk, folder, this.logEndOffset, { isNew: true });
    this.#segments.add(next);
    this.#jitterMs = this.#randomJitter();
    this.#unsynced.push(full, { sync: () => disk.syncFolder(folder) });
    this.#mustRoll = false;
    queueMicrotask(() => void this.sync().catch(() => {})); // whose failure every later call reports
  }

  /** One at a time (GroupCommit). Full segments, snapshots and names come before the end that lies behind them. */
  async #flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    invariant(!this.#isFlushing, () => `${this.#name}: two syncs at once`);
    const { host, folder, fsyncSeconds } = this.#around;
    const end = this.logEndOffset;
    const active = this.#segments.active;
    const unsynced = this.#unsynced;
    this.#unsynced = [];
    const started = host.clock.monotonic();
    this.#isFlushing = true;
    try {
      for (const file of unsynced) await file.sync();
      await active.log.sync();
      if (this.#epochs.isDirty) {
        this.#epochs.isDirty = false;
        const save = () => replaceText(host.disk, folder, EPOCH_FILE, this.#epochs.toText());
        if (!(await this.#unlessFull('the epochs', save))) this.#epochs.isDirty = true;
      }
    } catch (failure) {
      throw this.#failed(failure);
    } finally {
      this.#isFlushing = false;
    }
    if (end > this.#flushedOffset) fsyncSeconds.observe((host.clock.monotonic() - started) / 1000);
    this.#flushedOffset = Offset(Math.max(this.#flushedOffset, end));
    this.#dropBelow(this.#keptFrom);
  }

  /** What could not be synced may be gone from the page cache too: a second try could only lie. Said here, and only here. */
  #failed(cause: unknown): LogFailed {
    if (this.#failure === undefined) {
      const { topic, partition, flushedOffset } = this;
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#failure = new LogFailed(
        `${this.#name} takes no more records: its disk failed: ${reason}; all below offset ${flushedOffset} is safe, ` +
          'what came after may be lost; check the disk, then restart the broker',
        { cause },
      );
      markFailedSync(this.#around.host.disk, this.#around.folder);
      this.#around.host.logger.error({ topic, partition, flushedOffset, reason }, this.#failure.message);
    }
    return this.#failure;
  }

  /**
   * The start is durable before any file goes: it is what tells offsets that were deleted from offsets that never were.
   * Before the start, all that the next start of the broker needs in place of what goes: it removes what lies below, and
   * then the snapshot at the base of the first segment that remains is all that is known of the producers.
   */
  async #startAt(offset: Offset, save: () => Promise<boolean>): Promise<void> {
    await this.sync();
    if (offset > this.#logStartOffset) {
      this.#logStartOffset = offset;
      this.#epochs.truncateFromStart(offset);
    }
    const start = this.#logStartOffset;
    if (start > this.#savedStart && (await save())) this.#savedStart = Offset(Math.max(this.#savedStart, start));
    this.#keptFrom = Offset(Math.max(this.#keptFrom, offset));
    if (this.#segments.hasWhollyBelow(offset)) await this.#commit.run(); // files go between two syncs, never under one
  }

  #dropBelow(start: Offset): void {
    try {
      while (this.#segments.hasWhollyBelow(start) && !this.#unsynced.includes(this.#segments.first))
        this.#drop(this.#segments.first);
    } catch (failure) {
      this.#diskError(failure); // it is below the start, and the next deletion tries again
    }
  }

  async #replace(sources: readonly Segment[], cleaned: Segment): Promise<boolean> {
    const { folder, host } = this.#around;
    try {
      cleaned.moveTo(SWAP);
    } catch (failure) {
      await cleaned.discard();
      throw failure;
    }
    await this.#orFail(() => host.disk.syncFolder(folder));
    // Files go between two syncs, never under one: of a segment that was just rolled the indexes may still be waiting.
    while (this.#isFlushing || sources.some((source) => this.#unsynced.includes(source))) await this.#commit.run();
    if (!this.hasSegments(sources)) {
      await cleaned.discard();
      return false;
    }
    // From here on nothing may remove the new one: half of the old ones may be gone.
    await this.#orFail(() => {
      this.#segments.replace(sources, cleaned, this.config);
      for (const source of sources.slice(1)) this.#snapshots.forget(source.baseOffset);
      return host.disk.syncFolder(folder);
    });
    return true;
  }

  async #orFail(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (failure) {
      throw this.#failed(failure);
    }
  }

  #drop(segment: Segment): void {
    this.#segments.remove(segment, this.config);
    this.#snapshots.forget(segment.baseOffset);
  }

  #unlessFull(what: string, work: () => void | Promise<void>): Promise<boolean> {
    return unlessFull(this.#around.host.logger, this.#name, what, work);
  }

  #diskError(failure: unknown): AppendRefused {
    if (!(failure instanceof DiskFailed)) throw failure;
    this.#around.host.logger.error({ path: failure.path, code: failure.code }, `${this.#name}: ${failure.message}`);
    return storageError(failure.message, failure.isFull);
  }
}
