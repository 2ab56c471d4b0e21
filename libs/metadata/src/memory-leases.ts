// BrokerLeases in memory, for tests and the simulator: the rows are the database's, the time is a given clock's.
import type { BrokerId, Clock, Uuid } from '@milepost/core';
import {
  type BrokerLeases,
  type LeaseClaim,
  leaseEpochFor,
  type LeaseHolder,
  type LeaseOutcome,
  type LeaseRow,
} from './broker-lease.ts';
import type { MemoryMetadataDatabase } from './memory-database.ts';
import { StoreUnavailable } from './store.ts';

export class MemoryBrokerLeases implements BrokerLeases {
  readonly #database: MemoryMetadataDatabase;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(database: MemoryMetadataDatabase, clock: Pick<Clock, 'now'>) {
    this.#database = database;
    this.#clock = clock;
  }

  async hold(claim: LeaseClaim): Promise<LeaseOutcome> {
    const leases = this.#leases();
    const nowMs = this.#clock.now();
    const row = leases.get(claim.brokerId);
    const holder = row && { ...row, remainingMs: row.untilMs - nowMs };
    const epoch = leaseEpochFor(claim, holder);
    if (epoch === undefined && holder) return { isHeld: false, holder };
    const { incarnation, host, port, place, sessionTimeoutMs } = claim;
    const sinceMs = row?.incarnation === incarnation ? row.sinceMs : nowMs;
    const untilMs = nowMs + sessionTimeoutMs;
    leases.set(claim.brokerId, { incarnation, host, port, place, sinceMs, epoch: epoch ?? 1, untilMs });
    return { isHeld: true, epoch: epoch ?? 1 };
  }

  async all(): Promise<ReadonlyMap<BrokerId, LeaseHolder>> {
    const nowMs = this.#clock.now();
    return new Map(Array.from(this.#leases(), ([id, row]) => [id, { ...row, remainingMs: row.untilMs - nowMs }]));
  }

  async release(brokerId: BrokerId, incarnation: Uuid): Promise<void> {
    const leases = this.#leases();
    const row = leases.get(brokerId);
    if (row?.incarnation === incarnation) leases.set(brokerId, { ...row, untilMs: this.#clock.now() });
  }

  async close(): Promise<void> {}

  #leases(): Map<BrokerId, LeaseRow> {
    if (!this.#database.available) throw new StoreUnavailable('the metadata database is away');
    return this.#database.leases;
  }
}
