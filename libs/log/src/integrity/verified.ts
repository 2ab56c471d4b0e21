// The stretches of a segment's file whose batches this process has checked: those it appended, and those that a reader
// had checked since. They are not checked again at each read. Because bytes may rot, after VERIFIED_FOR_MS everything
// counts as unchecked, and the next reader pays for one check (decision 0013).

const VERIFIED_FOR_MS = 10 * 60_000;

/** A segment that is read at more positions simultaneously is checked more often than necessary. */
const MOST_STRETCHES = 32;

interface Stretch {
  from: number;
  to: number;
}

export class Verified {
  /** In ascending order; no two touch. */
  #stretches: Stretch[] = [];
  #sinceMs = 0;

  /** The end of the checked bytes from the position on: the position itself where they are not checked. */
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
      last.to = Math.max(last.to, to); // an append, or a reader that continues
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

  /** The file now ends here. */
  cut(at: number): void {
    this.#stretches = this.#stretches
      .filter(({ from }) => from < at)
      .map(({ from, to }) => ({ from, to: Math.min(to, at) }));
  }
}
