// What cleaning must know of transactions (KIP-98): records of aborted ones are dropped, and a marker is dropped only
// after every record of its transaction. Reads the batches of the log in order, up to the last stable offset, so every
// transaction that it meets has ended.
import { NO_OFFSET, type Offset } from '@milepost/core';
import { readEndMarker, type RecordBatch } from '@milepost/records';
import type { AbortedTransaction } from './transaction-index.ts';

export class FinishedTransactions {
  /** Those to come, in the order of their first offsets. */
  readonly #aborted: AbortedTransaction[];
  readonly #abortedNow = new Map<bigint, { readonly transaction: AbortedTransaction; lastSeen: Offset }>();
  readonly #committedNow = new Set<bigint>();
  #kept: AbortedTransaction[] = [];

  constructor(aborted: readonly AbortedTransaction[] = []) {
    this.#aborted = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  /** Those aborted ones met since the last call of which something is left: what the cleaned segment's index must name. */
  takeKept(): readonly AbortedTransaction[] {
    const kept = this.#kept;
    this.#kept = [];
    return kept;
  }

  /** Whether only the batch's sequence is still needed: it was aborted, or is a marker without records. */
  isDiscardable(batch: RecordBatch): boolean {
    for (
      let next = this.#aborted[0];
      next !== undefined && next.firstOffset <= batch.lastOffset;
      next = this.#aborted[0]
    ) {
      this.#abortedNow.set(next.producerId, { transaction: next, lastSeen: NO_OFFSET });
      this.#aborted.shift();
    }
    return batch.isControl ? this.#isMarkerOfNothing(batch) : this.#isAborted(batch);
  }

  #isAborted({ isTransactional, producerId, lastOffset }: RecordBatch): boolean {
    if (!isTransactional) return false;
    const aborted = this.#abortedNow.get(producerId);
    if (aborted === undefined) this.#committedNow.add(producerId);
    else aborted.lastSeen = lastOffset;
    return aborted !== undefined;
  }

  #isMarkerOfNothing(batch: RecordBatch): boolean {
    const record = batch.records().next().value;
    if (record === undefined) return true; // emptied by an earlier pass
    const { producerId } = batch;
    switch (readEndMarker(record)?.end) {
      case 'abort': {
        const aborted = this.#abortedNow.get(producerId);
        this.#abortedNow.delete(producerId);
        if (aborted === undefined || aborted.lastSeen === NO_OFFSET) return true;
        this.#kept.push(aborted.transaction);
        return false;
      }
      case 'commit':
        return !this.#committedNow.delete(producerId);
      case undefined:
        return false;
    }
  }
}
