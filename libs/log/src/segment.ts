// A range of the log, named by its first offset: batches in one file, and their indexes (segment-files.ts). Only the
// last segment of a log is appended to.
//
// Promises: an append is all or nothing; the end in memory is the one that counts. Never syncs on its own.
import { type Disk, type LeaderEpoch, NO_TIMESTAMP, type Offset, type Timestamp } from '@milepost/core';
import { BATCH_HEADER_BYTES, BATCH_PREFIX_BYTES, type RecordBatch } from '@milepost/records';
import { epochFlawOf, flawOf, placeFlawOf } from './integrity/flaws.ts';
import { findIntact, scan } from './integrity/scan.ts';
import { Verified } from './integrity/verified.ts';
import type { LogConfig } from './log-config.ts';
import type { LogFile } from './log-file.ts';
import type { OffsetIndex } from './offset-index.ts';
import { ReadEnds } from './read-ends.ts';
import { SegmentFiles } from './segment-files.ts';
import type { TimeEntry, TimeIndex } from './time-index.ts';
import type { AbortedTransaction } from './transaction-index.ts';

/** The fields in a batch's first bytes. */
export interface BatchPlace {
  readonly position: number;
  readonly sizeBytes: number;
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  readonly leaderEpoch: LeaderEpoch;
  readonly maxTimestamp: Timestamp;
}

/** Kafka's default index.interval.bytes. */
const REBUILT_INTERVAL_BYTES = 4096;

export class Segment {
  readonly baseOffset: Offset;
  readonly log: LogFile;
  readonly #files: SegmentFiles;
  readonly readEnds = new ReadEnds();
  readonly verified = new Verified();
  #nextOffset: Offset;
  #largest: TimeEntry | undefined;
  #firstTimestamp: Timestamp | undefined;
  #youngestMs: Timestamp | undefined;
  #bytesSinceIndexEntry = 0;
  #indexesRebuilt = false;

  /** `isNew`: begins empty, whatever an interrupted attempt left. Otherwise `nextOffset` is the end of its content. */
  constructor(
    disk: Disk,
    folder: string,
    baseOffset: Offset,
    state: { isNew: true; suffix?: string } | { isNew: false; nextOffset: Offset },
  ) {
    this.baseOffset = baseOffset;
    this.#nextOffset = state.isNew ? baseOffset : state.nextOffset;
    const suffix = (state.isNew && state.suffix) || '';
    this.#files = new SegmentFiles(disk, folder, baseOffset, { isNew: state.isNew, suffix });
    this.log = this.#files.log;
  }

  /** The path of the .log. */
  get path(): string {
    return this.log.path;
  }
  /** The paths of all its files. */
  get paths(): readonly string[] {
    return this.#files.paths;
  }
  get indexPaths(): readonly string[] {
    return this.#files.indexPaths;
  }
  /** Those that are always there. */
  get rebuildableIndexPaths(): readonly string[] {
    return this.#files.rebuildableIndexPaths;
  }
  get sizeBytes(): number {
    return this.log.sizeBytes;
  }
  get nextOffset(): Offset {
    return this.#nextOffset;
  }
  get offsets(): OffsetIndex {
    return this.#files.offsets;
  }
  get times(): TimeIndex {
    return this.#files.times;
  }
  /** The largest timestamp and the batch that has it. A closed segment's time index ends with it. */
  get largest(): TimeEntry {
    if (this.#largest === undefined) {
      if (!this.#isTimeIndexTrue()) this.rebuildIndexes();
      this.#largest ??= this.times.last() ?? { timestamp: NO_TIMESTAMP, offset: this.baseOffset };
    }
    return this.#largest;
  }

  /** The largest timestamp for retention: emptied batches count, though no search finds them. */
  get youngestMs(): Timestamp {
    return this.largest.timestamp >= 0 ? this.largest.timestamp : (this.#youngestMs ??= this.#youngestOfHeaders());
  }
  /** The timestamp of its first batch. */
  get firstTimestamp(): Timestamp | undefined {
    if (this.#firstTimestamp === undefined && this.log.read(0, header) === BATCH_HEADER_BYTES)
      this.#firstTimestamp = longAt(header, 35) as Timestamp;
    return this.#firstTimestamp;
  }

  /** Appends checked batches that have their offsets. @throws DiskFailed; nothing was appended then. */
  append(records: Buffer, batches: readonly RecordBatch[], indexIntervalBytes: number): void {
    const start = this.log.sizeBytes;
    void this.largest; // may read an index, so it comes first: after the append nothing may fail
    this.log.append(records);
    this.verified.add(start, start + records.length);
    for (const batch of batches) this.note(batch, start + batch.position, indexIntervalBytes);
  }

  /** Adds the batch at this position to the indexes. */
  note(batch: RecordBatch, position: number, indexIntervalBytes: number): void {
    const { lastOffset, maxTimestamp } = batch;
    if (maxTimestamp > this.largest.timestamp && batch.recordCount > 0)
      this.#largest = { timestamp: maxTimestamp, offset: lastOffset };
    if (this.#bytesSinceIndexEntry > indexIntervalBytes) {
      this.offsets.append(lastOffset, position);
      this.times.append(this.largest.timestamp, this.largest.offset);
      this.#bytesSinceIndexEntry = 0;
    }
    this.#bytesSinceIndexEntry += batch.sizeBytes;
    this.#nextOffset = batch.nextOffset;
  }

  /** Before the first marker of an aborted transaction is appended. True: the index was created just now. @throws DiskFailed */
  expectAborted(): boolean {
    if (this.#files.transactions !== undefined) return false;
    this.#files.createTransactions();
    return true;
  }

  /** The transaction's marker is in the segment. */
  noteAborted(transaction: AbortedTransaction): void {
    this.#files.createTransactions().append(transaction);
  }

  /** Adds the aborted transactions that overlap the range and end here. True: those of later segments do not overlap it. */
  collectAborted(from: Offset, upTo: Offset, found: AbortedTransaction[]): boolean {
    return this.#files.transactions?.collect(from, upTo, found) ?? false;
  }

  /** Transactions were aborted here, as far as the index knows. */
  get hasAborted(): boolean {
    return (this.#files.transactions?.entries.count ?? 0) > 0;
  }

  /** Before they are noted again. */
  clearAborted(): void {
    this.#files.transactions?.clear();
  }

  /** Whether the index of aborted transactions can be right, as far as it tells by itself. */
  get hasPlausibleAborted(): boolean {
    return this.#files.transactions?.looksSane(this.baseOffset, this.#nextOffset) ?? true;
  }

  newestAborted(count: number): AbortedTransaction[] {
    return this.#files.transactions?.newest(count) ?? [];
  }

  /**
   * Whether the batch belongs into the next segment. The age of a segment counts from its first batch's timestamp, as
   * in Kafka.
   */
  isFullFor(
    sizeBytes: number,
    lastOffset: Offset,
    maxTimestamp: Timestamp,
    config: LogConfig,
    jitterMs: number,
  ): boolean {
    return (
      (this.log.sizeBytes > 0 && this.log.sizeBytes > config.segmentBytes - sizeBytes) ||
      (this.log.sizeBytes > 0 &&
        maxTimestamp - this.#firstBatchTimestamp(maxTimestamp) > config.segmentMs - jitterMs) ||
      this.offsets.isFull(config.segmentIndexBytes) ||
      this.times.isFull(config.segmentIndexBytes) ||
      lastOffset - this.baseOffset > 0x7fff_ffff
    );
  }

  /** No append follows for now: writes the indexes, with the largest timestamp last. @throws DiskFailed */
  seal(): void {
    this.log.trim();
    if (this.log.sizeBytes > 0) this.times.append(this.largest.timestamp, this.largest.offset);
    this.#files.flushIndexes();
  }

  sync(): Promise<void> {
    return this.#files.sync();
  }

  /** Read from the header alone; undefined if there cannot be a whole batch. */
  placeAt(position: number): BatchPlace | undefined {
    if (this.log.read(position, header) < BATCH_HEADER_BYTES) return undefined;
    const sizeBytes = BATCH_PREFIX_BYTES + header.readInt32BE(8);
    if (sizeBytes < BATCH_HEADER_BYTES || position + sizeBytes > this.log.sizeBytes) return undefined;
    const baseOffset = longAt(header, 0) as Offset;
    const lastOffset = (baseOffset + header.readInt32BE(23)) as Offset;
    const leaderEpoch = header.readInt32BE(12) as LeaderEpoch;
    return { position, sizeBytes, baseOffset, lastOffset, leaderEpoch, maxTimestamp: longAt(header, 35) as Timestamp };
  }

  /**
   * The flaw of the batch at this position, whose predecessor ends at `least`. `end`: the end of the segment, if known.
   */
  flawOf(batch: RecordBatch, position: number, least: Offset, end: Offset | undefined): string | undefined {
    const flaw = this.#placeFlawOf(batch, position, least, end) ?? flawOf(batch, least);
    if (flaw !== undefined) this.verified.cut(0); // earlier checks are void, whoever found the flaw
    return flaw;
  }

  /** `expected`: the epoch of the previous batch, or of the history. `behind`: the epoch after the segment. */
  flawOfEpoch(
    batch: RecordBatch,
    position: number,
    { expected, behind }: { expected: LeaderEpoch; behind: LeaderEpoch | undefined },
  ): string | undefined {
    if (batch.leaderEpoch === expected) return undefined;
    return epochFlawOf(batch, expected, this.placeAt(position + batch.sizeBytes)?.leaderEpoch ?? behind);
  }

  /**
   * Rebuilds the indexes from the batches, past any broken ones: the batch after a broken one always gets an entry.
   * Once for each segment: a contradiction that remains is not an index's fault.
   */
  rebuildIndexes(): boolean {
    if (this.#indexesRebuilt) return false;
    this.#indexesRebuilt = true;
    this.clearIndexes();
    const end = this.#nextOffset;
    let least = this.baseOffset;
    scan(this.log, 0, {
      visit: (batch, position) => {
        const flaw = this.flawOf(batch, position, least, end);
        if (flaw !== undefined) return flaw;
        this.note(batch, position, REBUILT_INTERVAL_BYTES);
        least = batch.nextOffset;
        return undefined;
      },
      onFlaw: (position) => {
        this.indexNext();
        return findIntact(this.log, position + 1, least);
      },
    });
    this.#nextOffset = end;
    this.seal();
    return true;
  }

  clearIndexes(): void {
    this.#files.clearIndexes();
    this.#bytesSinceIndexEntry = 0;
    this.#largest = { timestamp: NO_TIMESTAMP, offset: this.baseOffset };
  }

  /** The next noted batch gets an entry, however close the last one is. */
  indexNext(): void {
    this.#bytesSinceIndexEntry = Number.POSITIVE_INFINITY;
  }

  /** Cuts the batch at this position and all after it. */
  truncate(position: number, nextOffset: Offset): void {
    this.log.truncate(position);
    this.readEnds.clear();
    this.verified.cut(position);
    this.#files.truncateIndexes(nextOffset);
    this.#nextOffset = nextOffset;
    this.#findLargest();
    if (position === 0) this.#firstTimestamp = undefined;
    this.#bytesSinceIndexEntry = 0;
  }

  /** The end that a scan has found. */
  endsAt(nextOffset: Offset): void {
    this.#nextOffset = nextOffset;
  }

  /** After an unclean stop: content that was only in the page cache must be synced before it counts. */
  distrust(): void {
    this.#files.distrust();
  }

  /**
   * Renames all its files, the .log last. @throws DiskFailed; some may have moved then, and a repetition completes the
   * move.
   */
  moveTo(suffix: string): void {
    this.#files.moveTo(suffix);
  }

  /** Removes all files of a segment that is not part of a log. @throws DiskFailed */
  discard(): Promise<void> {
    return this.#files.discard();
  }

  close(): void {
    this.#files.close();
  }

  /**
   * The position to start a walk that must meet the batch of this offset. An index entry is used only if its batch
   * matches it.
   */
  startFor(offset: Offset): number {
    const hint = this.offsets.floor(offset);
    if (hint === undefined) return 0;
    if (this.placeAt(hint.position)?.lastOffset === hint.offset) return hint.position;
    return this.rebuildIndexes() ? this.startFor(offset) : 0;
  }

  /** No batch before the returned offset has a timestamp beyond the target. */
  skipTo(timestamp: number): Offset {
    const entry = this.times.floorByTimestamp(timestamp);
    if (entry === undefined) return this.baseOffset;
    if (this.#placeOf(entry) !== undefined) return entry.offset;
    return this.rebuildIndexes() ? this.skipTo(timestamp) : this.baseOffset;
  }

  #placeFlawOf(batch: RecordBatch, position: number, least: Offset, end: Offset | undefined): string | undefined {
    if (batch.baseOffset <= least) return undefined;
    const next = this.placeAt(position + batch.sizeBytes)?.baseOffset ?? end ?? least;
    return placeFlawOf(batch, least, next);
  }

  /**
   * The last entry of a closed segment names an existing batch with that timestamp, and no later batch has a larger
   * one.
   */
  #isTimeIndexTrue(): boolean {
    const last = this.times.last();
    if (!this.times.looksSane() || last === undefined) return this.log.sizeBytes === 0;
    let place = this.#placeOf(last);
    if (place === undefined) return false;
    while (place !== undefined && place.maxTimestamp <= last.timestamp)
      place = this.placeAt(place.position + place.sizeBytes);
    return place === undefined;
  }

  /** The batch that the entry names, if it exists and has that timestamp. */
  #placeOf({ offset, timestamp }: TimeEntry): BatchPlace | undefined {
    let place = this.placeAt(this.offsets.floor(offset)?.position ?? 0);
    while (place !== undefined && place.lastOffset < offset) place = this.placeAt(place.position + place.sizeBytes);
    return place?.lastOffset === offset && place.maxTimestamp === timestamp ? place : undefined;
  }

  /** Searches the time index and the batches after its last entry. */
  #findLargest(): void {
    const last = this.times.last();
    this.#largest = last ?? { timestamp: NO_TIMESTAMP, offset: this.baseOffset };
    const from = last === undefined ? 0 : (this.offsets.floor(last.offset)?.position ?? 0);
    scan(this.log, from, {
      visit: ({ maxTimestamp, lastOffset, recordCount }) => {
        const isHere = lastOffset < this.nextOffset; // no CRC covers a batch's offset, so a bit of it may have flipped
        if (isHere && maxTimestamp > this.largest.timestamp && recordCount > 0)
          this.#largest = { timestamp: maxTimestamp, offset: lastOffset };
        return undefined;
      },
      onFlaw: () => undefined,
    });
  }

  /** Without a timestamp in the first batch its age is unknown, and the segment is rolled only by size. */
  #firstBatchTimestamp(otherwise: Timestamp): Timestamp {
    const { firstTimestamp = NO_TIMESTAMP } = this;
    return firstTimestamp < 0 ? otherwise : firstTimestamp;
  }

  #youngestOfHeaders(): Timestamp {
    let youngest = NO_TIMESTAMP;
    scan(this.log, 0, {
      visit: ({ maxTimestamp }) => {
        if (maxTimestamp > youngest) youngest = maxTimestamp;
        return undefined;
      },
      onFlaw: () => undefined,
    });
    return youngest;
  }
}

const header = Buffer.alloc(BATCH_HEADER_BYTES);

const longAt = (bytes: Buffer, at: number): number =>
  bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
