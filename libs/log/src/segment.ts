// A stretch of the log, named by its first offset: batches in one file, and the indexes of it (segment-files.ts). Only the
// last segment of a log is appended to.
//
// Promises: an append is all or nothing; the end that counts is the one in memory. Never syncs by itself.
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

/** What a batch's first bytes say. */
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

  /** `isNew`: begins empty, whatever an interrupted attempt left. Otherwise `nextOffset` is where its content ends. */
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

  /** Of the .log. */
  get path(): string {
    return this.log.path;
  }
  /** Of all its files. */
  get paths(): readonly string[] {
    return this.#files.paths;
  }
  get indexPaths(): readonly string[] {
    return this.#files.indexPaths;
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

  /** When its oldest records are from, where retention asks: emptied batches count, though no search finds them. */
  get youngestMs(): Timestamp {
    return this.largest.timestamp >= 0 ? this.largest.timestamp : (this.#youngestMs ??= this.#youngestOfHeaders());
  }
  /** Of its first batch. */
  get firstTimestamp(): Timestamp | undefined {
    if (this.#firstTimestamp === undefined && this.log.read(0, header) === BATCH_HEADER_BYTES)
      this.#firstTimestamp = longAt(header, 35) as Timestamp;
    return this.#firstTimestamp;
  }

  /** Checked batches, which have their offsets. @throws DiskFailed, and then nothing was appended. */
  append(records: Buffer, batches: readonly RecordBatch[], indexIntervalBytes: number): void {
    const start = this.log.sizeBytes;
    void this.largest; // may read an index: now, for behind the append nothing may fail
    this.log.append(records);
    this.verified.add(start, start + records.length);
    for (const batch of batches) this.note(batch, start + batch.position, indexIntervalBytes);
  }

  /** Takes up in the indexes a batch that stands at this position. */
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

  /** Whether the batch belongs into the next segment. Time is that of the records, as in Kafka: the age of the first batch. */
  isFullFor(
    sizeBytes: number,
    lastOffset: Offset,
    maxTimestamp: Timestamp,
    config: LogConfig,
    jitterMs: number,
  ): boolean {
    return (
      this.log.sizeBytes > config.segmentBytes - sizeBytes ||
      (this.log.sizeBytes > 0 &&
        maxTimestamp - this.#firstBatchTimestamp(maxTimestamp) > config.segmentMs - jitterMs) ||
      this.offsets.isFull(config.segmentIndexBytes) ||
      this.times.isFull(config.segmentIndexBytes) ||
      lastOffset - this.baseOffset > 0x7fff_ffff
    );
  }

  /** Nothing more comes for now: the indexes are written out, the largest timestamp last. @throws DiskFailed */
  seal(): void {
    this.log.trim();
    if (this.log.sizeBytes > 0) this.times.append(this.largest.timestamp, this.largest.offset);
    this.#files.flushIndexes();
  }

  sync(): Promise<void> {
    return this.#files.sync();
  }

  /** From the header alone; undefined where no whole batch can stand. */
  placeAt(position: number): BatchPlace | undefined {
    if (this.log.read(position, header) < BATCH_HEADER_BYTES) return undefined;
    const sizeBytes = BATCH_PREFIX_BYTES + header.readInt32BE(8);
    if (sizeBytes < BATCH_HEADER_BYTES || position + sizeBytes > this.log.sizeBytes) return undefined;
    const baseOffset = longAt(header, 0) as Offset;
    const lastOffset = (baseOffset + header.readInt32BE(23)) as Offset;
    const leaderEpoch = header.readInt32BE(12) as LeaderEpoch;
    return { position, sizeBytes, baseOffset, lastOffset, leaderEpoch, maxTimestamp: longAt(header, 35) as Timestamp };
  }

  /** Of the batch at this position, behind one that ends at `least`. `end`: where the segment ends, as far as known. */
  flawOf(batch: RecordBatch, position: number, least: Offset, end: Offset | undefined): string | undefined {
    const flaw = this.#placeFlawOf(batch, position, least, end) ?? flawOf(batch, least);
    if (flaw !== undefined) this.verified.cut(0); // what was checked before counts no more, whoever found it
    return flaw;
  }

  /** `expected`: the epoch of the batch before, or what the history says. `behind`: of what follows the segment. */
  flawOfEpoch(
    batch: RecordBatch,
    position: number,
    { expected, behind }: { expected: LeaderEpoch; behind: LeaderEpoch | undefined },
  ): string | undefined {
    if (batch.leaderEpoch === expected) return undefined;
    return epochFlawOf(batch, expected, this.placeAt(position + batch.sizeBytes)?.leaderEpoch ?? behind);
  }

  /**
   * The indexes again, from the batches themselves, past any that are broken: the one behind a broken one always gets
   * an entry. Once for each segment: what still does not fit afterwards is no fault of an index.
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

  /** The next batch that is noted gets an entry, however close the last one is. */
  indexNext(): void {
    this.#bytesSinceIndexEntry = Number.POSITIVE_INFINITY;
  }

  /** Cuts the batch at this position and all behind it. */
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

  /** What a scan has found out. */
  endsAt(nextOffset: Offset): void {
    this.#nextOffset = nextOffset;
  }

  /** After an unclean stop: what was only in the page cache must be synced before it counts. */
  distrust(): void {
    this.#files.distrust();
  }

  /** All its files, the .log last. @throws DiskFailed, and then some may have moved; to move on is to finish. */
  moveTo(suffix: string): void {
    this.#files.moveTo(suffix);
  }

  /** Of a segment that is not a log's: no trace stays. @throws DiskFailed */
  discard(): Promise<void> {
    return this.#files.discard();
  }

  close(): void {
    this.#files.close();
  }

  /** Where a walk begins that must meet the batch of this offset. An index is believed only where the batch agrees. */
  startFor(offset: Offset): number {
    const hint = this.offsets.floor(offset);
    if (hint === undefined) return 0;
    if (this.placeAt(hint.position)?.lastOffset === hint.offset) return hint.position;
    return this.rebuildIndexes() ? this.startFor(offset) : 0;
  }

  /** No batch before this offset has a timestamp beyond the target. */
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

  /** The last entry, that of a closed segment, names a batch that is there and says so, and no later one says more. */
  #isTimeIndexTrue(): boolean {
    const last = this.times.last();
    if (!this.times.looksSane() || last === undefined) return this.log.sizeBytes === 0;
    let place = this.#placeOf(last);
    if (place === undefined) return false;
    while (place !== undefined && place.maxTimestamp <= last.timestamp)
      place = this.placeAt(place.position + place.sizeBytes);
    return place === undefined;
  }

  /** Of the batch that the entry names, where it is there and has that timestamp. */
  #placeOf({ offset, timestamp }: TimeEntry): BatchPlace | undefined {
    let place = this.placeAt(this.offsets.floor(offset)?.position ?? 0);
    while (place !== undefined && place.lastOffset < offset) place = this.placeAt(place.position + place.sizeBytes);
    return place?.lastOffset === offset && place.maxTimestamp === timestamp ? place : undefined;
  }

  /** Of what the time index says and the batches behind its last entry. */
  #findLargest(): void {
    const last = this.times.last();
    this.#largest = last ?? { timestamp: NO_TIMESTAMP, offset: this.baseOffset };
    const from = last === undefined ? 0 : (this.offsets.floor(last.offset)?.position ?? 0);
    scan(this.log, from, {
      visit: ({ maxTimestamp, lastOffset, recordCount }) => {
        const isHere = lastOffset < this.nextOffset; // no CRC covers a batch's offset: a bit of it may have turned
        if (isHere && maxTimestamp > this.largest.timestamp && recordCount > 0)
          this.#largest = { timestamp: maxTimestamp, offset: lastOffset };
        return undefined;
      },
      onFlaw: () => undefined,
    });
  }

  /** Without a timestamp in the first batch its age is unknown, and the segment rolls by size alone. */
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
