// `<base>.txnindex`: the aborted transactions whose markers are in the segment, in Kafka's format. Readers with
// read_committed are told of those that reach into what they read. Most segments have none, and no such file.
//
//   version int16 = 0 | producerId int64 | firstOffset int64 | lastOffset int64, of the marker | lastStableOffset int64
//
// Markers ascend. Unlike the other indexes it cannot be rebuilt from its segment alone: a transaction may begin in an earlier
// one (transaction-index-recovery.ts).
import { Offset } from '@milepost/core';
import { IndexFile } from './index-file.ts';
import type { LogFile } from './log-file.ts';

const ENTRY_BYTES = 34;
const VERSION = 0;
const FIRST_OFFSET_AT = 10;
const LAST_OFFSET_AT = 18;
const LAST_STABLE_OFFSET_AT = 26;

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: Offset;
  /** Of its marker. */
  readonly lastOffset: Offset;
  /** When it ended, all transactions that began below had ended. */
  readonly lastStableOffset: Offset;
}

export class TransactionIndex {
  readonly entries: IndexFile;
  readonly #scratch = Buffer.alloc(ENTRY_BYTES);

  constructor(file: LogFile) {
    this.entries = new IndexFile(file, ENTRY_BYTES);
  }

  append({ producerId, firstOffset, lastOffset, lastStableOffset }: AbortedTransaction): void {
    this.#scratch.writeInt16BE(VERSION, 0);
    this.#scratch.writeBigInt64BE(producerId, 2);
    this.#scratch.writeBigInt64BE(BigInt(firstOffset), FIRST_OFFSET_AT);
    this.#scratch.writeBigInt64BE(BigInt(lastOffset), LAST_OFFSET_AT);
    this.#scratch.writeBigInt64BE(BigInt(lastStableOffset), LAST_STABLE_OFFSET_AT);
    this.entries.append(this.#scratch);
  }

  /** Adds those that overlap the range, `upTo` exclusive. True: later ones cannot. */
  collect(from: Offset, upTo: Offset, found: AbortedTransaction[]): boolean {
    const { count } = this.entries;
    for (let n = this.entries.lastWithin((entry) => longAt(entry, LAST_OFFSET_AT) < from) + 1; n < count; n++) {
      const transaction = transactionIn(this.entries.entry(n));
      if (transaction.firstOffset < upTo) found.push(transaction);
      if (transaction.lastStableOffset >= upTo) return true;
    }
    return false;
  }

  newest(most: number): AbortedTransaction[] {
    const { count } = this.entries;
    const first = Math.max(0, count - most);
    return Array.from({ length: count - first }, (_, n) => transactionIn(this.entries.entry(first + n)));
  }

  /** Forgets those whose marker is at or beyond the offset. */
  truncateTo(offset: Offset): void {
    this.entries.truncate(this.entries.lastWithin((entry) => longAt(entry, LAST_OFFSET_AT) < offset) + 1);
  }

  clear(): void {
    this.entries.truncate(0);
  }

  /** As far as can be told without the batches. `end`: where the segment ends. */
  looksSane(baseOffset: Offset, end: Offset): boolean {
    let least: number = baseOffset;
    for (let n = 0; n < this.entries.count; n++) {
      const entry = this.entries.entry(n);
      const { producerId, firstOffset, lastOffset, lastStableOffset } = transactionIn(entry);
      const isInOrder = firstOffset >= 0 && firstOffset < lastOffset && lastOffset >= least && lastOffset < end;
      const isPlausible = producerId >= 0n && lastStableOffset >= 0 && lastStableOffset <= lastOffset + 1;
      if (entry.readInt16BE(0) !== VERSION || !isInOrder || !isPlausible) return false;
      least = lastOffset + 1;
    }
    return this.entries.isWhole;
  }
}

const transactionIn = (entry: Buffer): AbortedTransaction => ({
  producerId: entry.readBigInt64BE(2),
  firstOffset: longAt(entry, FIRST_OFFSET_AT),
  lastOffset: longAt(entry, LAST_OFFSET_AT),
  lastStableOffset: longAt(entry, LAST_STABLE_OFFSET_AT),
});

const longAt = (entry: Buffer, at: number): Offset => Offset(Number(entry.readBigInt64BE(at)));
