// One pass of the cleaner over one log: reads the dirty part into a map of each key's last offset, then copies the
// clean and the dirty part into new segments, without the records that a later one of the same key has replaced.
//
// Promises: offsets do not change, so there may be holes; the active segment and records that are not final are never
// touched; a change of the log during the pass (retention, truncation, close) ends the pass without a trace. Works in
// slices of SLICE_BYTES (or one batch, where that is more) and rests between them at least as long as it worked, so it
// uses at most half of the event loop. What unpacks to much is unpacked, filtered and packed in several turns.
// Never: copies a batch that it could not read whole, because the new checksum would make it look intact.
import { MalformedMessage, type Offset } from '@milepost/core';
import { batchesOf, inSteps, type RecordBatch, RecordCursor, type Steps } from '@milepost/records';
import { filterBatch, type FilterRules, unpackedRecords } from './batch-filter.ts';
import { type Cleanable, groupsOf } from './cleanable.ts';
import { Pace, TURN_RECORDS } from './compaction-pace.ts';
import { FinishedTransactions } from './finished-transactions.ts';
import { KeyOffsets } from './key-offsets.ts';
import type { Log } from './log.ts';
import { describeDamage } from './integrity/flaws.ts';
import type { Segment } from './segment.ts';
import type { SteppingHost } from './stepping.ts';

export interface CompactionLimits {
  /** The size of the map of keys (log.cleaner.dedupe.buffer.size). */
  readonly mapBytes: number;
  /** How full the map may get (log.cleaner.io.buffer.load.factor). */
  readonly mapLoadFactor: number;
  /** Reads and writes together (log.cleaner.io.max.bytes.per.second). */
  readonly bytesPerSecond: number;
}

export interface CompactionTask {
  readonly host: SteppingHost;
  readonly log: Log;
  readonly cleanable: Cleanable;
  readonly limits: CompactionLimits;
  readonly isStopped: () => boolean;
}

export type CompactionOutcome =
  | { readonly kind: 'cleaned'; readonly upTo: Offset; readonly bytesRead: number; readonly bytesWritten: number }
  /** The log changed during the pass, or the broker stops. */
  | { readonly kind: 'abandoned' }
  /** The log cannot be cleaned: a batch is broken, or one batch has more keys than the map can hold. */
  | { readonly kind: 'uncleanable'; readonly reason: string };

/** The most bytes of a log that are processed in one turn of the event loop. */
export const SLICE_BYTES = 128 * 1024;

class Abandoned extends Error {}
class Uncleanable extends Error {}

/** @throws DiskFailed, LogFailed; the log is whole after any outcome. */
export async function compact(task: CompactionTask): Promise<CompactionOutcome> {
  const pass = new Compaction(task);
  try {
    return await pass.run();
  } catch (failure) {
    if (failure instanceof Abandoned) return { kind: 'abandoned' };
    if (failure instanceof Uncleanable) return { kind: 'uncleanable', reason: failure.message };
    throw failure;
  }
}

class Compaction {
  readonly #task: CompactionTask;
  readonly #log: Log;
  readonly #pace: Pace;
  readonly #cursor = new RecordCursor();
  #buffer = Buffer.allocUnsafeSlow(SLICE_BYTES);
  #bytesRead = 0;
  #bytesWritten = 0;

  constructor(task: CompactionTask) {
    this.#task = task;
    this.#log = task.log;
    this.#pace = new Pace(task.host, task.limits.bytesPerSecond, () => {
      if (task.isStopped()) throw new Abandoned();
    });
  }

  async run(): Promise<CompactionOutcome> {
    const { cleanable, host } = this.#task;
    const now = host.clock.now();
    const { lastOffsets, endOffset } = await this.#mapKeys(cleanable);
    const sources = this.#log.segmentsBelow(endOffset);
    const rules = { lastOffsets, endOffset, now, deleteRetentionMs: this.#log.config.deleteRetentionMs };
    const first = sources[0]?.baseOffset ?? endOffset;
    const transactions = new FinishedTransactions(
      this.#log.abortedTransactions(first, cleanable.firstUncleanableOffset),
    );
    for (const group of groupsOf(sources, this.#log.config)) await this.#cleanGroup(group, rules, transactions);
    await this.#log.cleanedTo(endOffset);
    return { kind: 'cleaned', upTo: endOffset, bytesRead: this.#bytesRead, bytesWritten: this.#bytesWritten };
  }

  /** Maps the last offset of each key, for as much of the log as the map can hold. */
  async #mapKeys(cleanable: Cleanable): Promise<{ lastOffsets: KeyOffsets; endOffset: Offset }> {
    const { firstDirtyOffset, firstUncleanableOffset } = cleanable;
    const { mapBytes, mapLoadFactor } = this.#task.limits;
    const lastOffsets = new KeyOffsets({
      mostBytes: mapBytes,
      loadFactor: mapLoadFactor,
      expectedKeys: firstUncleanableOffset - firstDirtyOffset,
    });
    const transactions = new FinishedTransactions(
      this.#log.abortedTransactions(firstDirtyOffset, firstUncleanableOffset),
    );
    let endOffset = firstDirtyOffset;
    for (const segment of this.#log.segmentsBelow(firstUncleanableOffset)) {
      if (segment.nextOffset <= firstDirtyOffset) continue;
      const start = segment.offsets.floor(firstDirtyOffset)?.position ?? 0;
      let isFull = false;
      await this.#read([segment], segment, start, async (batch) => {
        if (
          !transactions.isDiscardable(batch) &&
          !batch.isControl &&
          !(await this.#putKeys(batch, firstDirtyOffset, lastOffsets))
        ) {
          isFull = true;
          return false;
        }
        if (batch.nextOffset > endOffset) endOffset = batch.nextOffset;
        return true;
      });
      if (isFull) {
        if (endOffset === firstDirtyOffset)
          throw new Uncleanable(
            `log.cleaner.dedupe.buffer.size ${mapBytes} holds fewer keys than one batch at ${endOffset} has`,
          );
        break;
      }
      endOffset = segment.nextOffset;
    }
    return { lastOffsets, endOffset };
  }

  /** False: the map is full. */
  async #putKeys(batch: RecordBatch, from: Offset, lastOffsets: KeyOffsets): Promise<boolean> {
    const bytes = await unpackedRecords(batch, this.#pace);
    return inSteps(this.#putKeysOf(batch, bytes, from, lastOffsets), this.#pace);
  }

  *#putKeysOf(batch: RecordBatch, bytes: Buffer, from: Offset, lastOffsets: KeyOffsets): Steps<boolean> {
    const cursor = this.#cursor.begin(bytes, batch.recordCount);
    while (cursor.next()) {
      const { keyAt, keyLength } = cursor;
      const offset = batch.baseOffset + cursor.offsetDelta;
      if (keyLength >= 0 && offset >= from)
        if (!lastOffsets.put(bytes.subarray(keyAt, keyAt + keyLength), offset)) return false;
      if (cursor.index % TURN_RECORDS === TURN_RECORDS - 1) yield;
    }
    return true;
  }

  async #cleanGroup(group: readonly Segment[], rules: FilterRules, transactions: FinishedTransactions): Promise<void> {
    const last = group.at(-1) as Segment;
    const isLastOfProducer = this.#log.lastBatchesOfProducers();
    const cleaned = this.#log.newCleanedSegment((group[0] as Segment).baseOffset);
    try {
      for (const source of group)
        await this.#copy(source, group, cleaned, (batch, position) => {
          const isLastOfSegment = source === last && position + batch.sizeBytes === source.sizeBytes;
          const mustStay = isLastOfSegment || isLastOfProducer(batch);
          return filterBatch(batch, { isDiscardable: transactions.isDiscardable(batch), mustStay }, rules, this.#pace);
        });
      for (const aborted of transactions.takeKept()) cleaned.noteAborted(aborted);
      cleaned.endsAt(last.nextOffset);
      cleaned.seal();
      await cleaned.sync();
      this.#mustGoOn(group);
    } catch (failure) {
      await cleaned.discard();
      throw failure;
    }
    if (!(await this.#log.replaceSegments(group, cleaned))) throw new Abandoned();
  }

  async #copy(
    source: Segment,
    group: readonly Segment[],
    cleaned: Segment,
    leftOf: (batch: RecordBatch, position: number) => Promise<Buffer | undefined>,
  ): Promise<void> {
    let left: Buffer[] = [];
    const keep = async (batch: RecordBatch, position: number): Promise<boolean> => {
      const bytes = await leftOf(batch, position);
      if (bytes !== undefined) left.push(bytes);
      return true;
    };
    await this.#read(group, source, 0, keep, () => {
      if (left.length === 0) return;
      const bytes = Buffer.concat(left);
      cleaned.append(bytes, [...batchesOf(bytes)], this.#log.config.indexIntervalBytes);
      this.#bytesWritten += bytes.length;
      left = [];
    });
  }

  /**
   * Visits batches from the position on, in slices. `endSlice` is called while the bytes of the batches are still
   * valid.
   */
  async #read(
    group: readonly Segment[],
    segment: Segment,
    start: number,
    visit: (batch: RecordBatch, position: number) => Promise<boolean>,
    endSlice: () => void = () => {},
  ): Promise<void> {
    let least = segment.baseOffset;
    let position = start;
    while (position < segment.sizeBytes) {
      this.#mustGoOn(group);
      const before = this.#bytesWritten;
      this.#pace.begin();
      let slice = this.#buffer.subarray(0, segment.log.read(position, this.#buffer));
      const first = segment.placeAt(position);
      if (first === undefined)
        throw new Uncleanable(describeDamage({ path: segment.path, position, flaw: 'no whole batch' }));
      if (first.sizeBytes > slice.length) {
        slice = Buffer.allocUnsafeSlow(first.sizeBytes);
        segment.log.read(position, slice);
      }
      const from = position;
      for (const batch of batchesOf(slice)) {
        const flaw = segment.flawOf(batch, position, least, segment.nextOffset);
        if (flaw !== undefined) throw new Uncleanable(describeDamage({ path: segment.path, position, flaw }));
        if (!(await this.#visit(visit, batch, position, segment))) return endSlice();
        least = batch.nextOffset;
        position += batch.sizeBytes;
        if (this.#pace.isSpent) await this.#pace.nextTurn();
      }
      endSlice();
      this.#bytesRead += position - from;
      await this.#pace.rest(position - from + this.#bytesWritten - before);
    }
  }

  async #visit(
    visit: (batch: RecordBatch, position: number) => Promise<boolean>,
    batch: RecordBatch,
    position: number,
    segment: Segment,
  ): Promise<boolean> {
    try {
      return await visit(batch, position);
    } catch (failure) {
      if (!(failure instanceof MalformedMessage)) throw failure;
      throw new Uncleanable(describeDamage({ path: segment.path, position, flaw: failure.message }));
    }
  }

  #mustGoOn(group: readonly Segment[]): void {
    if (this.#task.isStopped() || !this.#log.hasSegments(group)) throw new Abandoned();
  }
}
