// The port behind which the cluster's metadata lives: PostgreSQL in production, memory in the simulator.
// Both pass store.contract.ts. Deciding (validation, placement, election) is done above it, by pure functions.
import type { MetadataChange } from './changes.ts';
import type { ClusterImage } from './image.ts';

export interface MetadataStore {
  /** Reads everything; on the first start ever it also makes the cluster id. @throws StoreUnavailable */
  open(): Promise<ClusterImage>;
  /**
   * All of the changes, in order, in one transaction, or none. Resolves with an image that contains them.
   * @throws MetadataConflict when one of them does not fit what is there; StoreUnavailable when nobody knows.
   */
  commit(changes: readonly MetadataChange[]): Promise<ClusterImage>;
  /** Called with each newer image, also those that other processes made. */
  watch(listener: (image: ClusterImage) => void): () => void;
  /** The first of `count` producer ids never handed out before, by anyone. @throws StoreUnavailable */
  allocateProducerIds(count: number): Promise<bigint>;
  close(): Promise<void>;
}

/** The database is away, or did not answer in time: the caller answers a retriable error. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** A change that no longer fits: the name is taken, the row is gone, the epoch has moved on. */
export class MetadataConflict extends Error {
  override readonly name = 'MetadataConflict';
  readonly change: MetadataChange;
  constructor(change: MetadataChange, reason: string) {
    super(`${change.type}: ${reason}`);
    this.change = change;
  }
}
