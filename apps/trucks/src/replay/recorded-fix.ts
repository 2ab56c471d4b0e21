// What a recording holds, whatever its format.
import type { Fix } from '../simulation/device.ts';

/** A fix as recorded; without `tsMs` where the file has no time for it. */
export type RecordedFix = Omit<Fix, 'truckId' | 'tsMs'> & { readonly tsMs?: number };

/** What each reader returns: a name where the file gives one. */
export interface NamedFixes {
  readonly name: string | undefined;
  readonly fixes: readonly RecordedFix[];
}

/** What a reader passes over, counted by its reason, which reads well behind a number: "3 waypoints". */
export class PassedOver {
  readonly #counts = new Map<string, number>();

  count(reason: string, by = 1): void {
    if (by > 0) this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + by);
  }

  /** `3 waypoints, 2 points without a time`; empty when nothing was passed over. */
  get summary(): string {
    return Array.from(this.#counts, ([reason, count]) => `${count} ${reason}`).join(', ');
  }
}
