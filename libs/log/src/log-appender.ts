// The growing end of a log: validates a batch, assigns its offsets, writes it, and begins the next segment when one is
// full.
//
// Promises: a batch that is refused, for its content, its sequence or by the disk, changes nothing.
import { ErrorCode, type LeaderEpoch, NO_TIMESTAMP, type Offset, Timestamp } from '@milepost/core';
import { batchesOf, isAbortMarker, type RecordBatch } from '@milepost/records';
import { isRefused, validateAppend } from './append-validation.ts';
import { FlushSchedule } from './flush-schedule.ts';
import { flawOf } from './integrity/flaws.ts';
import type { LogParts } from './log-parts.ts';
import {
  type AppendOutcome,
  type AppendRefused,
  beingCut,
  corrupt,
  type FollowerAppendOutcome,
  offsetTooLow,
  olderEpoch,
  storageError,
} from './outcomes.ts';
import { firstOffset } from './producer-state.ts';
import { Segment } from './segment.ts';
import { markerBatch, type TransactionMarker } from './transaction-marker.ts';

export class LogAppender {
  readonly #parts: LogParts;
  readonly #flushes: FlushSchedule;
  /** The jitter of the active segment. */
  #jitterMs: number;
  /** A roll that failed halfway is completed before the next append. */
  #mustRoll = false;
  #isExcluded = false;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#flushes = new FlushSchedule(parts.context.host.clock, () => parts.sync.all());
    this.#jitterMs = this.#randomJitter();
  }

  /** `undefined`: the batch unpacks to more than `unpackBytes`. */
  append(records: Buffer, leaderEpoch: LeaderEpoch, unpackBytes: number | undefined): AppendOutcome | undefined {
    const now = this.#parts.context.host.clock.now();
    const refused = this.#refusal(leaderEpoch);
    if (refused !== undefined) return refused;
    const batch = validateAppend(records, this.#parts.config, now, unpackBytes);
    return batch && this.appendValid(batch, leaderEpoch, now);
  }

  appendValid(batch: RecordBatch | AppendRefused, leaderEpoch: LeaderEpoch, now: number): AppendOutcome {
    const refused = this.#refusal(leaderEpoch);
    if (refused !== undefined) return refused;
    if (isRefused(batch)) return batch;
    const { config, producers } = this.#parts;
    const verdict = producers.check(batch);
    if (verdict.kind === 'refused') return verdict.refused;
    if (verdict.kind === 'duplicate') {
      const { of } = verdict;
      const logAppendTimeMs = config.timestampType === 'LogAppendTime' ? of.timestamp : NO_TIMESTAMP;
      const baseOffset = firstOffset(of);
      return { error: ErrorCode.NONE, baseOffset, lastOffset: of.lastOffset, logAppendTimeMs, duplicate: true };
    }

    const outcome = this.#appendNext(batch, leaderEpoch, now);
    if (outcome.error !== ErrorCode.NONE) producers.missed(batch);
    return outcome;
  }

  appendMarker(marker: TransactionMarker, leaderEpoch: LeaderEpoch): AppendOutcome {
    const refused = this.#refusal(leaderEpoch) ?? this.#parts.producers.flawOfMarker(marker);
    if (refused !== undefined) return refused;
    const now = this.#parts.context.host.clock.now();
    return this.#appendNext(markerBatch(marker, now), leaderEpoch, now);
  }

  #appendNext(batch: RecordBatch, leaderEpoch: LeaderEpoch, now: number): AppendOutcome {
    const { config, segments } = this.#parts;
    const isStamped = config.timestampType === 'LogAppendTime';
    batch.assign(segments.active.nextOffset, leaderEpoch);
    if (isStamped) batch.setLogAppendTime(Timestamp(now));
    const refusal = this.#store(batch.bytes, [batch]);
    if (refusal !== undefined) return refusal;
    const { baseOffset, lastOffset } = batch;
    const logAppendTimeMs = isStamped ? Timestamp(now) : NO_TIMESTAMP;
    return { error: ErrorCode.NONE, baseOffset, lastOffset, logAppendTimeMs, duplicate: false };
  }

  /** Appends a leader's batches unchanged. An incomplete batch at the end is ignored. */
  appendAsFollower(records: Buffer): FollowerAppendOutcome {
    const { health, segments, epochs, config } = this.#parts;
    if (health.failure !== undefined) return storageError(health.failure.message);
    if (this.#isExcluded) return beingCut(segments.active.nextOffset);
    let least = segments.active.nextOffset;
    let epoch = epochs.latest;
    const runs = new Runs(records, config.segmentBytes);
    for (const batch of batchesOf(records)) {
      if (batch.baseOffset < least) return offsetTooLow(batch.baseOffset, least);
      const flaw =
        batch.leaderEpoch < epoch ? `leader epoch ${batch.leaderEpoch} after ${epoch}` : flawOf(batch, least);
      if (flaw !== undefined) return corrupt(`batch of the leader at offset ${batch.baseOffset}: ${flaw}`);
      least = batch.nextOffset;
      epoch = batch.leaderEpoch;
      runs.add(batch);
    }
    for (const run of runs.all) {
      const refusal = this.#store(run, [...batchesOf(run)]);
      if (refusal !== undefined) return refusal;
    }
    return { error: ErrorCode.NONE, sizeBytes: runs.sizeBytes };
  }

  /** The next segment begins at the log's end. @throws DiskFailed; the roll is still to be done then. */
  roll(): void {
    this.#mustRoll = true;
    const { context, segments, producers, sync } = this.#parts;
    const { folder } = context;
    const { disk } = context.host;
    const full = segments.active;
    const end: Offset = full.nextOffset;
    full.seal();
    sync.add(...producers.writeSnapshot(end));
    const next = new Segment(disk, folder, end, { isNew: true });
    segments.add(next);
    this.#jitterMs = this.#randomJitter();
    sync.add(full, { sync: () => disk.syncFolder(folder) });
    this.#mustRoll = false;
    sync.soon();
  }

  /** Refuses appends until the work has ended. */
  async exclude(work: () => Promise<void>): Promise<void> {
    this.#isExcluded = true;
    try {
      await work();
    } finally {
      this.#isExcluded = false;
    }
  }

  close(): void {
    this.#flushes.close();
  }

  /** Why nothing can be appended now, regardless of the batch. */
  #refusal(leaderEpoch: LeaderEpoch): AppendRefused | undefined {
    const { health, epochs, segments } = this.#parts;
    if (health.failure !== undefined) return storageError(health.failure.message);
    if (this.#isExcluded) return beingCut(segments.active.nextOffset);
    return leaderEpoch < epochs.latest ? olderEpoch(leaderEpoch, epochs.latest) : undefined;
  }

  /** The batches have their offsets. Returns an error if nothing was appended. */
  #store(records: Buffer, batches: readonly RecordBatch[]): AppendRefused | undefined {
    const { health, context, config, segments, epochs, producers, sync } = this.#parts;
    const last = batches.at(-1) as RecordBatch;
    const maxTimestamp = batches.reduce((largest, batch) => Math.max(largest, batch.maxTimestamp), -1) as Timestamp;
    try {
      if (
        this.#mustRoll ||
        segments.active.isFullFor(records.length, last.lastOffset, maxTimestamp, config, this.#jitterMs)
      )
        this.roll();
      if (batches.some(isAbortMarker) && segments.active.expectAborted())
        sync.add({ sync: () => context.host.disk.syncFolder(context.folder) });
      segments.active.append(records, batches, config.indexIntervalBytes);
    } catch (failure) {
      return health.refusedByDisk(failure);
    }
    const now = context.host.clock.monotonic();
    for (const batch of batches) {
      epochs.begin(batch.leaderEpoch, batch.baseOffset);
      const ended = producers.apply(batch, now);
      if (ended?.isAborted) segments.active.noteAborted(ended);
    }
    if (context.flush === 'os') this.#flushes.appended(segments.active.nextOffset - sync.flushedOffset, config);
    return undefined;
  }

  /** Random for each segment, so that partitions that began together do not roll their segments together. */
  #randomJitter(): number {
    const { segmentJitterMs, segmentMs } = this.#parts.config;
    const most = Math.min(segmentJitterMs, segmentMs, 2 ** 31 - 1);
    return most > 0 ? this.#parts.context.host.random.below(most) : 0;
  }
}

/** Neighboring batches that go into one segment with one write. A batch beyond the limit is a run of its own. */
class Runs {
  readonly all: Buffer[] = [];
  sizeBytes = 0;
  readonly #records: Buffer;
  readonly #limitBytes: number;
  #start = 0;

  constructor(records: Buffer, limitBytes: number) {
    this.#records = records;
    this.#limitBytes = limitBytes;
  }

  add({ sizeBytes }: RecordBatch): void {
    const end = this.sizeBytes + sizeBytes;
    const isNew = this.all.length === 0 || end - this.#start > this.#limitBytes;
    if (isNew) this.#start = this.sizeBytes;
    const run = this.#records.subarray(this.#start, end);
    if (isNew) this.all.push(run);
    else this.all[this.all.length - 1] = run;
    this.sizeBytes = end;
  }
}
