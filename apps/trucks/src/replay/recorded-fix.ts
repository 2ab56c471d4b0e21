// The content of a recording in any format.
import type { Fix } from '../simulation/device.ts';

/** A fix as recorded; without `tsMs` if the file has no time for it. */
export type RecordedFix = Omit<Fix, 'truckId' | 'tsMs'> & { readonly tsMs?: number };

/** What each reader returns: with a name if the file has one. */
export interface NamedFixes {
  readonly name: string | undefined;
  readonly fixes: readonly RecordedFix[];
}

/** Counts what a reader skips, by a reason that reads well after a number: "3 waypoints". */
export class PassedOver {
  readonly #counts = new Map<string, number>();

  count(reason: string, by = 1): void {
    if (by > 0) this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + by);
  }

  /** `3 waypoints, 2 points without a time`; empty when nothing was skipped. */
  get summary(): string {
    return Array.from(this.#counts, ([reason, count]) => `${count} ${reason}`).join(', ');
  }
}
