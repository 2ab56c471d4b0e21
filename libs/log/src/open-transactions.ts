// The transactions in one log that are not final yet (KIP-98): the ongoing ones, and the ended ones whose marker is not yet
// below the high watermark. They decide how far a reader with read_committed may read.
//
// Promises: `firstUnstable` is the first offset of the earliest of them, exclusive for readers. An ended transaction counts
// until its marker is committed, or a marker that is lost in a change of leader would make its records visible.
import { type Offset, Offset as offsetOf } from '@milepost/core';

export interface OngoingTransaction {
  readonly producerId: bigint;
  readonly firstOffset: Offset;
}

export interface EndedTransaction extends OngoingTransaction {
  /** Of its marker. */
  readonly lastOffset: Offset;
  readonly isAborted: boolean;
  /** Below it, when this transaction ended, all others had ended too: where a search of the index may stop. */
  readonly lastStableOffset: Offset;
}

export class OpenTransactions {
  /** By first offset, ascending. */
  readonly #ongoing: OngoingTransaction[] = [];
  /**
   * Ended ones, first and last offsets ascending. One that begins behind a later-ending one is left out: it never is the
   * earliest before it is final.
   */
  readonly #uncommitted: Pick<EndedTransaction, 'firstOffset' | 'lastOffset'>[] = [];

  begin(transaction: OngoingTransaction): void {
    this.#ongoing.splice(this.#placeOf(transaction.firstOffset), 0, transaction);
  }

  /** `lastOffset`: of the marker. */
  end(transaction: OngoingTransaction, lastOffset: Offset, isAborted: boolean): EndedTransaction {
    const { producerId, firstOffset } = transaction;
    const place = this.#placeOf(firstOffset);
    if (this.#ongoing[place]?.firstOffset === firstOffset) this.#ongoing.splice(place, 1);
    this.noteUncommitted({ firstOffset, lastOffset });
    const lastStableOffset = this.#ongoing[0]?.firstOffset ?? offsetOf(lastOffset + 1);
    return { producerId, firstOffset, lastOffset, isAborted, lastStableOffset };
  }

  /** In the order of their markers. */
  noteUncommitted({ firstOffset, lastOffset }: Pick<EndedTransaction, 'firstOffset' | 'lastOffset'>): void {
    while ((this.#uncommitted.at(-1)?.firstOffset ?? -1) >= firstOffset) this.#uncommitted.pop();
    this.#uncommitted.push({ firstOffset, lastOffset });
  }

  /** The high watermark never decreases: what it has passed is forgotten. Undefined: all is final. */
  firstUnstable(highWatermark: Offset): Offset | undefined {
    const uncommitted = this.#uncommitted;
    while (uncommitted[0] !== undefined && uncommitted[0].lastOffset < highWatermark) uncommitted.shift();
    const ongoing = this.#ongoing[0]?.firstOffset;
    const ended = uncommitted[0]?.firstOffset;
    if (ongoing === undefined || ended === undefined) return ongoing ?? ended;
    return ongoing < ended ? ongoing : ended;
  }

  /** The first place whose transaction begins at or behind the offset. */
  #placeOf(firstOffset: Offset): number {
    const ongoing = this.#ongoing;
    let low = 0;
    let high = ongoing.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ongoing[middle] as OngoingTransaction).firstOffset < firstOffset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
