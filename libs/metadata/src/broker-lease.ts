// A broker id has one live owner: a process (its incarnation) that holds the id's lease and extends it by heartbeats.
// Time is the database's own, so that no clock of a broker matters. A lease decides who is alive; what is safe to write is
// decided by epochs (see Fence in store.ts).
import type { BrokerId, Uuid } from '@milepost/core';

export interface LeaseClaim {
  readonly brokerId: BrokerId;
  /** A new one for each life of a process. */
  readonly incarnation: Uuid;
  /** The advertised address, for messages. */
  readonly host: string;
  readonly port: number;
  /**
   * The folder and the machine: the lock on the folder proves that an earlier incarnation of the same place is dead.
   */
  readonly place: string;
  /** broker.session.timeout.ms: how long the lease lasts without a heartbeat. */
  readonly sessionTimeoutMs: number;
  /** Incarnations that the claimant knows to be dead, if they lived in the same place. */
  readonly predecessors: readonly Uuid[];
  /** The epoch of the lease that the claimant holds; undefined before it holds one. */
  readonly epoch?: number;
}

export interface LeaseHolder {
  readonly incarnation: Uuid;
  readonly host: string;
  readonly port: number;
  readonly place: string;
  /** When it acquired the lease, by the database's clock: ms since 1970. */
  readonly sinceMs: number;
  /** Grows with each acquisition. */
  readonly epoch: number;
  /** When the lease ends unless it is extended, by the database's clock. */
  readonly untilMs: number;
  /** How long the lease still lasts; negative once it has ended. */
  readonly remainingMs: number;
}

/** As it is stored. */
export type LeaseRow = Omit<LeaseHolder, 'remainingMs'>;

export type LeaseOutcome =
  | { readonly isHeld: true; readonly epoch: number }
  /** The holder may be alive. */
  | { readonly isHeld: false; readonly holder: LeaseHolder };

export interface BrokerLeases {
  /** Acquires the lease, or extends the one that the claimant holds. @throws StoreUnavailable after `timeoutMs` */
  hold(claim: LeaseClaim, timeoutMs: number): Promise<LeaseOutcome>;
  /** Every lease that was ever acquired, those that have ended included. @throws StoreUnavailable after `timeoutMs` */
  all(timeoutMs: number): Promise<ReadonlyMap<BrokerId, LeaseHolder>>;
  /** Ends the lease of this incarnation now, so that a successor need not wait. @throws StoreUnavailable */
  release(brokerId: BrokerId, incarnation: Uuid): Promise<void>;
  close(): Promise<void>;
}

/**
 * How long an attempt to extend or read leases may take. An attempt that began while the database was away hangs, though the
 * database is back, until then. A lease must outlast an absence that others do not take for one (half a lease, see LeaseWatch),
 * the heartbeat before it and the attempt that hangs behind it (docs/decisions/0069).
 */
export const leaseAttemptMs = (sessionTimeoutMs: number): number => sessionTimeoutMs / 6;

/**
 * For stores: the epoch with which the claimant holds the lease from now on, or undefined where it is the holder's.
 * A database that went back may name an older holder: its epoch is below that of the lease that the claimant holds.
 */
export function leaseEpochFor(claim: LeaseClaim, holder: LeaseHolder | undefined): number | undefined {
  if (!holder) return (claim.epoch ?? 0) + 1;
  if (holder.incarnation === claim.incarnation) return Math.max(holder.epoch, claim.epoch ?? 0);
  const next = Math.max(holder.epoch, claim.epoch ?? 0) + 1;
  if (claim.epoch !== undefined) return holder.epoch < claim.epoch ? next : undefined;
  const isDead = holder.place === claim.place && claim.predecessors.includes(holder.incarnation);
  return isDead || holder.remainingMs <= 0 ? next : undefined;
}
