// `<base>.timeindex`: the largest timestamp of the segment so far, and the offset it was reached at.
//
//   | int64 largest timestamp so far | int32 last offset of the batch that has it, less the segment's base |
//
// Both ascend: a batch with an earlier timestamp adds nothing. A closed segment's last entry is its largest timestamp.
import type { Offset, Timestamp } from '@milepost/core';
import { IndexFile } from './index-file.ts';
import type { LogFile } from './log-file.ts';

const ENTRY_BYTES = 12;

export interface TimeEntry {
  readonly timestamp: Timestamp;
  readonly offset: Offset;
}

export class TimeIndex {
  readonly entries: IndexFile;
  readonly #baseOffset: Offset;
  readonly #scratch = Buffer.alloc(ENTRY_BYTES);
  #last: TimeEntry | undefined;

  constructor(file: LogFile, baseOffset: Offset) {
    this.entries = new IndexFile(file, ENTRY_BYTES);
    this.#baseOffset = baseOffset;
    this.#last = this.#at(this.entries.count - 1);
  }

  /** One slot is reserved for the entry that closes the segment. */
  isFull(limitBytes: number): boolean {
    return this.entries.count >= Math.floor(limitBytes / ENTRY_BYTES) - 1;
  }

  /** Does nothing unless the timestamp is larger than the last entry's. */
  append(timestamp: Timestamp, offset: Offset): void {
    if (timestamp <= (this.#last?.timestamp ?? -1)) return;
    this.#scratch.writeBigInt64BE(BigInt(timestamp), 0);
    this.#scratch.writeInt32BE(offset - this.#baseOffset, 8);
    this.entries.append(this.#scratch);
    this.#last = { timestamp, offset };
  }

  last(): TimeEntry | undefined {
    return this.#last;
  }

  /** No batch before that offset has a timestamp beyond this one; undefined: start at the segment's first byte. */
  floorByTimestamp(timestamp: number): TimeEntry | undefined {
    return this.#at(this.entries.lastWithin((entry) => timestampOf(entry) <= timestamp));
  }

  /** The last entry of a batch that ends below the offset. */
  lastBelow(offset: Offset): TimeEntry | undefined {
    const relative = offset - this.#baseOffset;
    return this.#at(this.entries.lastWithin((entry) => entry.readInt32BE(8) < relative));
  }

  truncateTo(offset: Offset): void {
    const relative = offset - this.#baseOffset;
    this.entries.truncate(this.entries.lastWithin((entry) => entry.readInt32BE(8) < relative) + 1);
    this.#last = this.#at(this.entries.count - 1);
  }

  clear(): void {
    this.entries.truncate(0);
    this.#last = undefined;
  }

  looksSane(): boolean {
    const first = this.#at(0);
    if (first === undefined || this.#last === undefined) return this.entries.isWhole;
    return (
      this.entries.isWhole &&
      first.offset >= this.#baseOffset &&
      (this.entries.count === 1 || (this.#last.timestamp > first.timestamp && this.#last.offset > first.offset))
    );
  }

  #at(n: number): TimeEntry | undefined {
    if (n < 0) return undefined;
    const entry = this.entries.entry(n);
    return { timestamp: timestampOf(entry) as Timestamp, offset: (this.#baseOffset + entry.readInt32BE(8)) as Offset };
  }
}

const timestampOf = (entry: Buffer): number => Number(entry.readBigInt64BE(0));
