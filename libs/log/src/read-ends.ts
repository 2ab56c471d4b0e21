// Where the last reads of a segment ended: the same consumers continue there without a search through the index.
import type { Offset } from '@milepost/core';

/** With more consumers than this on one segment, the ones that read longest ago search the index again. */
const LIMIT = 64;

export class ReadEnds {
  readonly #positions = new Map<Offset, number>();

  /** The position after the batch that ends before the offset, if a read ended there. */
  at(offset: Offset): number | undefined {
    return this.#positions.get(offset);
  }

  remember(offset: Offset, position: number): void {
    this.#positions.set(offset, position);
    if (this.#positions.size > LIMIT) this.#positions.delete(this.#positions.keys().next().value as Offset);
  }

  clear(): void {
    this.#positions.clear();
  }
}
