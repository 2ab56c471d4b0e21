// Which stretches of a segment's file hold batches that this process has checked: those it appended, and those that a
// reader has had checked since. They are not checked again at each read, but for what a while later may have rotted: after
// VERIFIED_FOR_MS everything counts as unchecked, and the next reader pays for it once (decision 0013).

const VERIFIED_FOR_MS = 10 * 60_000;

/** A segment that is read in more places than this at once is checked more often than it need be. */
const MOST_STRETCHES = 32;

interface Stretch {
  from: number;
  to: number;
}

export class Verified {
  /** In order, none touching another. */
  #stretches: Stretch[] = [];
  #sinceMs = 0;

  /** Up to where the bytes from the position on are checked: the position itself where they are not. */
  end(position: number, nowMs: number): number {
    if (nowMs - this.#sinceMs > VERIFIED_FOR_MS) {
      this.#stretches = [];
      this.#sinceMs = nowMs;
    }
    return this.#stretches.find(({ from, to }) => from <= position && position < to)?.to ?? position;
  }

  add(from: number, to: number): void {
    const last = this.#stretches.at(-1);
    if (last !== undefined && last.from <= from && from <= last.to) {
      last.to = Math.max(last.to, to); // an append, and a reader that goes on
      return;
    }
    const apart = this.#stretches.filter((one) => one.to < from || one.from > to);
    if (apart.length >= MOST_STRETCHES) return;
    const touched = this.#stretches.filter((one) => !apart.includes(one));
    const merged = {
      from: Math.min(from, ...touched.map((one) => one.from)),
      to: Math.max(to, ...touched.map((one) => one.to)),
    };
    this.#stretches = [...apart, merged].toSorted((a, b) => a.from - b.from);
  }

  /** The file ends here now. */
  cut(at: number): void {
    this.#stretches = this.#stretches
      .filter(({ from }) => from < at)
      .map(({ from, to }) => ({ from, to: Math.min(to, at) }));
  }
}
