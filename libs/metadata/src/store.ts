// The port behind which the cluster's metadata lives: PostgreSQL in production, memory in tests and in the simulator.
// All pass store.contract.ts. What to change (validation, placement, election) is decided above it, by pure functions that
// the store runs on the true image while it holds its lock: nobody decides on a stale copy.
import type { BrokerId } from '@milepost/core';
import type { MetadataChange } from './changes.ts';
import type { ClusterImage } from './image.ts';
import type { Sighting } from './origin.ts';

/**
 * From the true image to the changes to make. A pure function: the store may run it more than once (a transaction that
 * is tried again), and only the last run counts. Whatever it chooses by chance or by the clock is chosen before.
 */
export type Decide = (image: ClusterImage) => readonly MetadataChange[];

/** Who commits. Compared with the true image under the lock, before anything is decided. */
export interface Fence {
  readonly brokerId: BrokerId;
  /** The epoch of the broker's registration; a later one belongs to its successor. */
  readonly brokerEpoch: number;
}

export interface MetadataStore {
  /**
   * Reads everything; on the first start ever it also makes the cluster id. `seen` is what the caller remembers of the
   * database: where the database is not as far (see isContinued), the image has another origin than `seen`, and a version
   * beyond it. So it is for watchers when a database goes back while it is used. @throws StoreUnavailable
   */
  open(seen?: Sighting): Promise<ClusterImage>;
  /**
   * Takes the lock, lets `decide` choose on the true image, and writes all of its changes, in order, in one transaction.
   * Resolves with an image that contains them; without changes nothing is written, and it is the true image.
   * @throws BrokerFenced; MetadataConflict when a change does not fit what is there, and whatever `decide` throws: then
   * nothing was written. StoreUnavailable when nobody knows.
   */
  commit(decide: Decide, fence?: Fence): Promise<ClusterImage>;
  /** Calls `listener` with each newer image, also with those that other processes made. Returns the way to stop it. */
  watch(listener: (image: ClusterImage) => void): () => void;
  /** The last that was seen of the database, to be remembered. Undefined before `open`. */
  sighting(): Sighting | undefined;
  /**
   * The first of `count` producer ids never handed out before, by anyone, none of them below `atLeast`: what the caller
   * knows to be in use, whatever the database says. @throws StoreUnavailable
   */
  allocateProducerIds(count: number, atLeast: bigint): Promise<bigint>;
  close(): Promise<void>;
}

/** The database is away, or did not answer in time: the caller answers a retriable error. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** A change that does not fit what is there: the name is taken, the row is gone, the epoch has moved on. */
export class MetadataConflict extends Error {
  override readonly name = 'MetadataConflict';
  readonly change: MetadataChange;
  constructor(change: MetadataChange, reason: string) {
    super(`${change.type}: ${reason}`);
    this.change = change;
  }
}

/** The broker that commits is not, or no longer, the one that is registered under its id: it must not change anything. */
export class BrokerFenced extends Error {
  override readonly name = 'BrokerFenced';
}

/** For stores: called with the true image, under the lock. @throws BrokerFenced */
export function checkFence({ brokers }: ClusterImage, { brokerId, brokerEpoch }: Fence): void {
  const epoch = brokers.get(brokerId)?.epoch;
  if (epoch === brokerEpoch) return;
  const seen = epoch === undefined ? 'it is not registered' : `epoch ${epoch} is registered`;
  throw new BrokerFenced(`broker ${brokerId} with epoch ${brokerEpoch} may not change metadata: ${seen}`);
}
