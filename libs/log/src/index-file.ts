// Entries of a fixed size in ascending order, appended: the common part of the offset index and the time index. The
// newest entries are buffered until a block is full, so that an append to the log costs no second write. A lookup reads
// entry by entry, out of the page cache. Nothing here is synced per append: an index can be rebuilt.
import { DiskFailed } from '@milepost/core';
import type { LogFile } from './log-file.ts';

const BLOCK_ENTRIES = 512;

export class IndexFile {
  readonly file: LogFile;
  readonly #entryBytes: number;
  readonly #one: Buffer;
  #writtenCount: number;
  #waiting: Buffer | undefined;
  #waitingCount = 0;

  constructor(file: LogFile, entryBytes: number) {
    this.file = file;
    this.#entryBytes = entryBytes;
    this.#one = Buffer.alloc(entryBytes);
    this.#writtenCount = Math.floor(file.sizeBytes / entryBytes);
  }

  get sizeBytes(): number {
    return this.count * this.#entryBytes;
  }
  get count(): number {
    return this.#writtenCount + this.#waitingCount;
  }
  /** Whether the file ends with a whole entry. */
  get isWhole(): boolean {
    return this.file.sizeBytes === this.#writtenCount * this.#entryBytes;
  }

  /** Entry `n`; valid until the next call. */
  entry(n: number): Buffer {
    const waiting = n - this.#writtenCount;
    if (waiting >= 0 && this.#waiting !== undefined)
      return this.#waiting.subarray(waiting * this.#entryBytes, (waiting + 1) * this.#entryBytes);
    this.file.read(n * this.#entryBytes, this.#one);
    return this.#one;
  }

  /** The last entry for which `isWithin` holds, -1 for none. It must hold for a prefix of the entries. */
  lastWithin(isWithin: (entry: Buffer) => boolean): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isWithin(this.entry(middle))) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  append(entry: Buffer): void {
    if (this.#waitingCount >= BLOCK_ENTRIES) this.#tryFlush();
    const at = this.#waitingCount * this.#entryBytes;
    if (this.#waiting === undefined || at + this.#entryBytes > this.#waiting.length) this.#grow();
    entry.copy(this.#waiting as Buffer, at);
    this.#waitingCount++;
  }

  /** Writes the buffered entries. @throws DiskFailed; the entries stay buffered then. */
  flush(): void {
    if (this.#waiting === undefined) return;
    this.file.append(this.#waiting.subarray(0, this.#waitingCount * this.#entryBytes));
    this.#writtenCount += this.#waitingCount;
    this.#waitingCount = 0;
    this.#waiting = undefined;
  }

  truncate(count: number): void {
    const written = Math.min(count, this.#writtenCount);
    this.file.truncate(written * this.#entryBytes);
    this.#waitingCount = Math.max(0, count - this.#writtenCount);
    this.#writtenCount = written;
  }

  async sync(): Promise<void> {
    this.flush();
    await this.file.sync();
  }

  #grow(): void {
    const grown = Buffer.allocUnsafe((this.#waitingCount + BLOCK_ENTRIES) * this.#entryBytes);
    this.#waiting?.copy(grown);
    this.#waiting = grown;
  }

  /** A full disk must not fail an append whose batch is already in the log: the entries stay buffered. */
  #tryFlush(): void {
    try {
      this.flush();
    } catch (failure) {
      if (!(failure instanceof DiskFailed)) throw failure;
    }
  }
}
