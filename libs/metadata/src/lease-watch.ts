// Whose lease has ended, as one broker sees it: a lease that ends while the database is away says nothing about its broker,
// which had no way to extend it.
//
// Promises: nobody is declared gone within one lease after a gap in this broker's own looks at the leases. A gap is what a
// database that was away looks like from here, and a process that stood still itself, and a start. So all leases that ended
// together with the database's absence get a lease's time to be extended (cluster.md, "Postgres away").
import type { BrokerId } from '@milepost/core';
import type { LeaseHolder } from './broker-lease.ts';

export interface Look {
  /** By a steady clock. */
  readonly nowMs: number;
  readonly leases: ReadonlyMap<BrokerId, LeaseHolder>;
}

export class LeaseWatch {
  readonly #sessionTimeoutMs: number;
  #lastMs = Number.NEGATIVE_INFINITY;
  #graceUntilMs = Number.NEGATIVE_INFINITY;

  /** `sessionTimeoutMs`: how long a lease lasts. */
  constructor(sessionTimeoutMs: number) {
    this.#sessionTimeoutMs = sessionTimeoutMs;
  }

  /** Whether a broker may be declared gone by this look. A broker that never had a lease has none. */
  look({ nowMs, leases }: Look): (id: BrokerId) => boolean {
    if (nowMs - this.#lastMs > this.#sessionTimeoutMs / 2) this.#graceUntilMs = nowMs + this.#sessionTimeoutMs;
    this.#lastMs = nowMs;
    if (nowMs < this.#graceUntilMs) return () => false;
    return (id) => (leases.get(id)?.remainingMs ?? 0) <= 0;
  }

  /** The database went back: its leases may be old ones. */
  restart(): void {
    this.#lastMs = Number.NEGATIVE_INFINITY;
  }
}
