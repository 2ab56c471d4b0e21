// `<base>.index`: where in the segment a batch stands, for one batch in every 4 KB or so.
//
//   | int32 last offset of a batch, less the segment's base | int32 position of that batch in the .log file |
//
// Sparse, ascending, rebuilt when in doubt. A reader checks the batch at the position; the index is a hint.
import type { Offset } from '@milepost/core';
import { IndexFile } from './index-file.ts';
import type { LogFile } from './log-file.ts';

const ENTRY_BYTES = 8;

export interface OffsetPosition {
  readonly offset: Offset;
  readonly position: number;
}

export class OffsetIndex {
  readonly entries: IndexFile;
  readonly #baseOffset: Offset;
  readonly #scratch = Buffer.alloc(ENTRY_BYTES);

  constructor(file: LogFile, baseOffset: Offset) {
    this.entries = new IndexFile(file, ENTRY_BYTES);
    this.#baseOffset = baseOffset;
  }

  isFull(limitBytes: number): boolean {
    return this.entries.count >= Math.floor(limitBytes / ENTRY_BYTES);
  }

  append(lastOffset: Offset, position: number): void {
    this.#scratch.writeInt32BE(lastOffset - this.#baseOffset, 0);
    this.#scratch.writeInt32BE(position, 4);
    this.entries.append(this.#scratch);
  }

  /** The last entry at or below the offset; undefined: start at the segment's first byte. */
  floor(offset: Offset): OffsetPosition | undefined {
    const relative = offset - this.#baseOffset;
    return this.#at(this.entries.lastWithin((entry) => entry.readInt32BE(0) <= relative));
  }

  last(): OffsetPosition | undefined {
    return this.#at(this.entries.count - 1);
  }

  /** Removes the entries of batches that end at or beyond the offset. */
  truncateTo(offset: Offset): void {
    const relative = offset - this.#baseOffset;
    this.entries.truncate(this.entries.lastWithin((entry) => entry.readInt32BE(0) < relative) + 1);
  }

  clear(): void {
    this.entries.truncate(0);
  }

  /** Judged by its first and last entry. Zeros, which a power cut may leave, are not sane. */
  looksSane(logBytes: number): boolean {
    const last = this.last();
    if (last === undefined) return this.entries.isWhole;
    const first = this.#at(0) as OffsetPosition;
    return (
      this.entries.isWhole &&
      first.offset >= this.#baseOffset &&
      first.position > 0 &&
      last.position < logBytes &&
      (this.entries.count === 1 || (last.offset > first.offset && last.position > first.position))
    );
  }

  #at(n: number): OffsetPosition | undefined {
    if (n < 0) return undefined;
    const entry = this.entries.entry(n);
    return { offset: (this.#baseOffset + entry.readInt32BE(0)) as Offset, position: entry.readInt32BE(4) };
  }
}
