// The store of a coordinator's shards, as the runtime needs it. An epoch fences each write: the latest acquisition of a shard wins.

import type { Uuid } from '@milepost/core';

/** Where shards follow the leaders of a topic's partitions: under which leadership they are acquired. */
export interface Leadership {
  /** The topic; a deleted and recreated one counts its leader epochs from 0. */
  readonly topicId: Uuid;
  /** By shard, the leader epoch of its partition. */
  readonly leaderEpochs: ReadonlyMap<number, number>;
  /** How many shards there are. The first acquisition fixes it. */
  readonly shards: number;
}

export interface ShardStore<Event> {
  /**
   * Makes this process the owner of the shards and reads what they hold. From now on writes that carry an older epoch
   * are refused. A shard that a later leader of its partition has acquired is refused: it is not among the `epochs`.
   * @throws CoordinatorStoreUnavailable
   */
  acquire(shards: readonly number[], leadership?: Leadership): Promise<AcquiredShards<Event>>;
  /** All of the events or none. @throws CoordinatorStoreUnavailable, ShardFenced */
  persist(shard: number, epoch: number, events: readonly Event[]): Promise<void>;
}

export interface AcquiredShards<Event> {
  /** By shard; without those that were refused. */
  readonly epochs: ReadonlyMap<number, number>;
  /** What recreates the state of the shards when it is applied. Events of one key are in their order. */
  readonly events: Iterable<Event>;
}

/** For stores: whether a later leader than the given one has acquired the shard. */
export const isOutdated = (
  shard: number,
  { topicId, leaderEpochs }: Leadership,
  holder: ShardLeader | undefined,
): boolean => holder?.topicId === topicId && holder.leaderEpoch > (leaderEpochs.get(shard) ?? -1);

export interface ShardLeader {
  readonly topicId: Uuid;
  readonly leaderEpoch: number;
}

export class CoordinatorStoreUnavailable extends Error {
  override readonly name = 'CoordinatorStoreUnavailable';
}

/** Another process has acquired the shard: this coordinator is deposed. */
export class ShardFenced extends Error {
  override readonly name = 'ShardFenced';
}
