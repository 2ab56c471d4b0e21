// The port for the cluster's metadata: PostgreSQL in production, memory in tests and in the simulator. All pass
// store.contract.ts. Changes (validation, placement, election) are decided above it, by pure functions that the store
// runs on the true image while it holds its lock: no decision is made on a stale copy.
import type { BrokerId } from '@milepost/core';
import type { MetadataChange } from './changes.ts';
import type { ClusterImage } from './image.ts';
import type { Sighting } from './origin.ts';

/**
 * From the true image to the changes to make. A pure function: the store may run it more than once (a transaction that
 * is retried), and only the last run counts. Random choices and clock times are chosen before it.
 */
export type Decide = (image: ClusterImage) => readonly MetadataChange[];

/** The committer. Compared with the true image under the lock, before anything is decided. */
export interface Fence {
  readonly brokerId: BrokerId;
  /** The epoch of the broker's registration; a later one belongs to its successor. */
  readonly brokerEpoch: number;
  /** The epoch under which it is the controller. Absent: what it commits is not a controller's decision. */
  readonly controllerEpoch?: number;
}

export interface MetadataStore {
  /**
   * Reads everything; on the first start ever it also creates the cluster id. `seen` is the caller's memory of the
   * database: if the database went back (see isContinued), the image has another origin than `seen`, and a version
   * beyond it. The same holds for watchers when a database goes back while it is used. @throws StoreUnavailable
   */
  open(seen?: Sighting): Promise<ClusterImage>;
  /**
   * Locks the metadata, lets `decide` choose on the true image, and writes all of its changes, in order, in one
   * transaction. Resolves with an image that contains them; without changes nothing is written, and it is the true
   * image. @throws BrokerFenced; ControllerFenced; MetadataConflict if a change does not fit, and any error of `decide`: then nothing was
   * written. StoreUnavailable if that is unknown.
   */
  commit(decide: Decide, fence?: Fence): Promise<ClusterImage>;
  /** Calls `listener` with each newer image, also with those of other processes. Returns the function that stops it. */
  watch(listener: (image: ClusterImage) => void): () => void;
  /** The last sighting of the database, to be stored. Undefined before `open`. */
  sighting(): Sighting | undefined;
  /**
   * The first of `count` producer ids that were never used by any broker, none of them below `atLeast`: the ids that
   * the caller knows to be in use, whatever the database has. @throws StoreUnavailable
   */
  allocateProducerIds(count: number, atLeast: bigint): Promise<bigint>;
  close(): Promise<void>;
}

/** The database is away, or did not respond in time: the caller responds with a retriable error. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** A change that does not fit: the name is taken, the row is gone, the epoch has advanced. */
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

/** The broker that commits as the controller is not, or no longer, the controller in that epoch. */
export class ControllerFenced extends Error {
  override readonly name = 'ControllerFenced';
}

/** For stores: called with the true image, under the lock. @throws BrokerFenced, ControllerFenced */
export function checkFence(image: ClusterImage, { brokerId, brokerEpoch, controllerEpoch }: Fence): void {
  const { brokers, controller } = image;
  const epoch = brokers.get(brokerId)?.epoch;
  if (epoch !== brokerEpoch) {
    const seen = epoch === undefined ? 'it is not registered' : `epoch ${epoch} is registered`;
    throw new BrokerFenced(`broker ${brokerId} with epoch ${brokerEpoch} may not change metadata: ${seen}`);
  }
  if (controllerEpoch !== undefined && (controller.id !== brokerId || controller.epoch !== controllerEpoch))
    throw new ControllerFenced(
      `broker ${brokerId} is no longer the controller of epoch ${controllerEpoch}: ${controller.id} is, in epoch ${controller.epoch}`,
    );
}
