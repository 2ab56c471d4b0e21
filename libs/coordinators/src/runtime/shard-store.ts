// The store of a coordinator's shards, as the runtime needs it. An epoch fences each write: who acquired a shard later wins.

export interface ShardStore<Event> {
  /**
   * Makes this process the owner of the shards and reads what they hold. From now on writes that carry an older epoch
   * are refused. @throws CoordinatorStoreUnavailable
   */
  acquire(shards: readonly number[]): Promise<AcquiredShards<Event>>;
  /** All of the events or none. @throws CoordinatorStoreUnavailable, ShardFenced */
  persist(shard: number, epoch: number, events: readonly Event[]): Promise<void>;
}

export interface AcquiredShards<Event> {
  /** By shard. */
  readonly epochs: ReadonlyMap<number, number>;
  /** What recreates the state of the shards when it is applied. Events of one key are in their order. */
  readonly events: Iterable<Event>;
}

export class CoordinatorStoreUnavailable extends Error {
  override readonly name = 'CoordinatorStoreUnavailable';
}

/** Another process has acquired the shard: this coordinator is deposed. */
export class ShardFenced extends Error {
  override readonly name = 'ShardFenced';
}
