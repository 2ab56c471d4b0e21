// The files of a segment, by name and as one list: `<base>.log` with the batches, and its indexes. To add an index that can
// be rebuilt from the batches, add an entry to `indexKinds`. The index of aborted transactions cannot, and exists only where
// it has an entry.
//
// While a segment is not (or no longer) part of the log, all its files have a suffix: `.cleaned`, `.swap`, `.deleted`.
import type { Disk, Offset } from '@milepost/core';
import type { IndexFile } from './index-file.ts';
import { LogFile } from './log-file.ts';
import { OffsetIndex } from './offset-index.ts';
import { TimeIndex } from './time-index.ts';
import { TransactionIndex } from './transaction-index.ts';

/** The operations of every index. It can be rebuilt, so it is not synced per append. */
export interface SegmentIndex {
  readonly entries: IndexFile;
  clear(): void;
  /** Removes the entries of batches that end at or beyond the offset. */
  truncateTo(offset: Offset): void;
}

const indexKinds = {
  index: (file: LogFile, baseOffset: Offset) => new OffsetIndex(file, baseOffset),
  timeindex: (file: LogFile, baseOffset: Offset) => new TimeIndex(file, baseOffset),
} satisfies Record<string, (file: LogFile, baseOffset: Offset) => SegmentIndex>;

type IndexKind = keyof typeof indexKinds;
type IndexOf<Kind extends IndexKind> = ReturnType<(typeof indexKinds)[Kind]>;

const INDEX_KINDS = Object.keys(indexKinds) as IndexKind[];

const TRANSACTIONS = 'txnindex';

export const INDEX_EXTENSIONS: readonly string[] = [TRANSACTIONS, ...INDEX_KINDS];
/** In the order of renaming: where a .log has its new name, its indexes have theirs. */
export const SEGMENT_EXTENSIONS: readonly string[] = [...INDEX_EXTENSIONS, 'log'];

export const offsetName = (offset: Offset): string => offset.toString().padStart(20, '0');

/** The offset in `<20 digits>.<extension>`, where the extension is one of these. */
export function offsetsIn(name: string, ...extensions: readonly string[]): Offset[] {
  const [, digits, extension] = /^(\d{20})\.([a-z]+)$/.exec(name) ?? [];
  return digits !== undefined && extensions.includes(extension as string) ? [Number(digits) as Offset] : [];
}

export class SegmentFiles {
  readonly log: LogFile;
  readonly #disk: Disk;
  readonly #baseOffset: Offset;
  readonly #stem: string;
  readonly #isNew: boolean;
  #suffix: string;
  /** Opened at their first use: many logs share few open files. */
  readonly #indexes: { -readonly [Kind in IndexKind]?: IndexOf<Kind> } = {};
  #transactions: TransactionIndex | undefined;
  #isTransactionsSought: boolean;

  /** `isNew`: all files are created, and content that an interrupted attempt left under their names is cut away. */
  constructor(disk: Disk, folder: string, baseOffset: Offset, { isNew, suffix }: { isNew: boolean; suffix: string }) {
    this.#disk = disk;
    this.#baseOffset = baseOffset;
    this.#stem = `${folder}/${offsetName(baseOffset)}`;
    this.#isNew = isNew;
    this.#isTransactionsSought = isNew;
    this.#suffix = suffix;
    this.log = new LogFile(disk, this.#pathOf('log'), isNew);
    if (isNew) this.#openRebuildable();
  }

  get offsets(): OffsetIndex {
    return this.#indexes.index ?? this.#open('index');
  }
  get times(): TimeIndex {
    return this.#indexes.timeindex ?? this.#open('timeindex');
  }
  /** Undefined where no transaction of the segment was aborted. */
  get transactions(): TransactionIndex | undefined {
    if (!this.#isTransactionsSought) {
      this.#isTransactionsSought = true;
      const file = LogFile.existing(this.#disk, this.#pathOf(TRANSACTIONS));
      this.#transactions = file && new TransactionIndex(file);
    }
    return this.#transactions;
  }
  /** With a new file if need be. @throws DiskFailed */
  createTransactions(): TransactionIndex {
    this.#transactions =
      this.transactions ?? new TransactionIndex(new LogFile(this.#disk, this.#pathOf(TRANSACTIONS), true));
    return this.#transactions;
  }
  /** Those that are always there. */
  get rebuildableIndexPaths(): readonly string[] {
    return INDEX_KINDS.map((kind) => this.#pathOf(kind));
  }
  get indexPaths(): readonly string[] {
    return INDEX_EXTENSIONS.map((extension) => this.#pathOf(extension));
  }
  get paths(): readonly string[] {
    return SEGMENT_EXTENSIONS.map((extension) => this.#pathOf(extension));
  }

  /** Those that can be rebuilt from the batches of the segment. */
  clearIndexes(): void {
    for (const index of this.#openRebuildable()) index.clear();
  }

  truncateIndexes(offset: Offset): void {
    for (const index of this.#openAll()) index.truncateTo(offset);
  }

  /** Writes buffered entries. @throws DiskFailed */
  flushIndexes(): void {
    for (const index of this.#openAll()) index.entries.flush();
  }

  /** After an unclean stop it is unknown what is durable: the next sync is a real one. */
  distrust(): void {
    this.log.distrust();
    for (const { entries } of this.#openAll()) entries.file.distrust();
  }

  async sync(): Promise<void> {
    await this.log.sync();
    for (const { entries } of this.#opened()) await entries.sync();
  }

  /**
   * Renames all files, the .log last. @throws DiskFailed; some may have moved then, and a repetition completes the
   * move.
   */
  moveTo(suffix: string): void {
    const move = (file: LogFile, extension: string) => file.moveTo(this.#disk, `${this.#stem}.${extension}${suffix}`);
    if (this.transactions) move(this.transactions.entries.file, TRANSACTIONS);
    for (const kind of INDEX_KINDS) move(this.#open(kind).entries.file, kind);
    move(this.log, 'log');
    this.#suffix = suffix;
  }

  /** Removes all files of a segment that is not part of a log, the .log first. @throws DiskFailed */
  async discard(): Promise<void> {
    const paths = [this.log.path, ...this.#openAll().map(({ entries }) => entries.file.path)];
    this.close();
    for (const path of paths) await this.#disk.remove(path);
  }

  close(): void {
    this.log.close();
    for (const { entries } of this.#opened()) entries.file.close();
  }

  #pathOf(extension: string): string {
    return `${this.#stem}.${extension}${this.#suffix}`;
  }

  #open<Kind extends IndexKind>(kind: Kind): IndexOf<Kind> {
    const opened = this.#indexes[kind];
    if (opened !== undefined) return opened as IndexOf<Kind>;
    const make = indexKinds[kind] as (file: LogFile, baseOffset: Offset) => IndexOf<Kind>;
    const index = make(new LogFile(this.#disk, this.#pathOf(kind), this.#isNew), this.#baseOffset);
    Object.assign(this.#indexes, { [kind]: index });
    return index;
  }

  #openRebuildable(): SegmentIndex[] {
    return INDEX_KINDS.map((kind) => this.#open(kind));
  }

  #openAll(): SegmentIndex[] {
    return this.transactions ? [...this.#openRebuildable(), this.transactions] : this.#openRebuildable();
  }

  #opened(): SegmentIndex[] {
    const opened: SegmentIndex[] = INDEX_KINDS.flatMap((kind) => this.#indexes[kind] ?? []);
    return this.#transactions ? [...opened, this.#transactions] : opened;
  }
}
