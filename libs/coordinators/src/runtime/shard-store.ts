// The store of a coordinator's shards, as the runtime needs it. Each write carries the epoch of its shard: the latest
// acquisition of a shard wins.

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
  persist(shard: number, epoch: ShardEpoch, events: readonly Event[]): Promise<void>;
}

export interface AcquiredShards<Event> {
  /** By shard; without those that were refused. */
  readonly epochs: ReadonlyMap<number, ShardEpoch>;
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

/** An acquisition of a shard: what the writes of its owner carry, and the store compares. */
export interface ShardEpoch {
  /** Grows with each acquisition. A database that went back gives a number out again, to another leader. */
  readonly number: number;
  /** Undefined where the shard follows no partition. */
  readonly leader: ShardLeader | undefined;
}

/** For stores: why a write that carries `epoch` is refused by a shard that is at `current`. */
export function fenceOf(
  shard: number,
  { current, epoch }: { readonly current: ShardEpoch | undefined; readonly epoch: ShardEpoch },
): ShardFenced | undefined {
  const isCurrent =
    current?.number === epoch.number &&
    current.leader?.topicId === epoch.leader?.topicId &&
    current.leader?.leaderEpoch === epoch.leader?.leaderEpoch;
  if (isCurrent) return undefined;
  return new ShardFenced(`shard ${shard} is at epoch ${shown(current)}, the write carries ${shown(epoch)}`);
}

const shown = (epoch: ShardEpoch | undefined): string =>
  `${epoch?.number}${epoch?.leader ? ` of leader epoch ${epoch.leader.leaderEpoch}` : ''}`;

export class CoordinatorStoreUnavailable extends Error {
  override readonly name = 'CoordinatorStoreUnavailable';
}

/** Another process has acquired the shard: this coordinator is deposed. */
export class ShardFenced extends Error {
  override readonly name = 'ShardFenced';
}
