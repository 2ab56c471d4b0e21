// The growing end of a log: validates a batch, assigns its offsets, writes it, and begins the next segment when one is
// full.
//
// Promises: a batch that is refused, for its content, its sequence or by the disk, changes nothing.
import { ErrorCode, type LeaderEpoch, NO_TIMESTAMP, type Offset, Timestamp } from '@milepost/core';
import { isAbortMarker, type RecordBatch } from '@milepost/records';
import { isRefused, validateAppend } from './append-validation.ts';
import { FlushSchedule } from './flush-schedule.ts';
import type { LogParts } from './log-parts.ts';
import { type AppendOutcome, type AppendRefused, beingCut, olderEpoch, storageError } from './outcomes.ts';
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
