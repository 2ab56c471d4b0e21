// What the coordinators ask for: a place that keeps groups and offsets. PostgreSQL in production (libs/postgres),
// memory in tests and in the simulator; both pass group-store.contract.ts.
import type { LeaderEpoch, Offset, Timestamp, Uuid } from '@milepost/core';

/** A group's durable state: what a coordinator needs to go on after a restart. `state` is the coordinator's own JSON. */
export interface StoredGroup {
  readonly groupId: string;
  readonly kind: 'classic' | 'consumer';
  readonly generation: number;
  readonly state: unknown;
}

/** May belong to a group that was never stored: a consumer that assigns partitions to itself (a "simple" group). */
export interface StoredOffset {
  readonly groupId: string;
  readonly topic: string;
  /** ZERO_UUID where the client's version names topics by name and nobody knew the id. */
  readonly topicId: Uuid;
  readonly partition: number;
  readonly offset: Offset;
  readonly leaderEpoch: LeaderEpoch;
  /** Any text that a client likes, U+0000 included (as in group ids). */
  readonly metadata: string;
  readonly committedAt: Timestamp;
  /** Only what an old client asked for (OffsetCommit v2-4 retention time); null: the group's own rule. */
  readonly expiresAt: Timestamp | null;
}

export type GroupEvent =
  | { readonly type: 'group-stored'; readonly group: StoredGroup }
  /** With all its offsets. Absent is fine. */
  | { readonly type: 'group-deleted'; readonly groupId: string }
  | { readonly type: 'offset-committed'; readonly offset: StoredOffset }
  | {
      readonly type: 'offset-deleted';
      readonly groupId: string;
      readonly topic: string;
      readonly partition: number;
    };

export interface GroupStore {
  /**
   * Takes the shards (partitions of `__consumer_offsets`) for this process and reads all they hold. From here on
   * writes that carry an older epoch for them are refused. @throws GroupStoreUnavailable
   */
  take(shards: readonly number[]): Promise<TakenShards>;
  /**
   * All of the events, in order, in one transaction, or none; several calls under way at once share transactions.
   * Resolves when they are durable. It settles once they can no longer land: a group's next write follows at once,
   * and an offset of the last one must not arrive after it.
   * @throws GroupStoreUnavailable (nothing was applied, or nobody knows), ShardFenced
   */
  persist(shard: number, epoch: number, events: readonly GroupEvent[]): Promise<void>;
}

export interface TakenShards {
  /** By shard. */
  readonly epochs: ReadonlyMap<number, number>;
  /** In any order. */
  readonly groups: readonly StoredGroup[];
  readonly offsets: readonly StoredOffset[];
}

export class GroupStoreUnavailable extends Error {
  override readonly name = 'GroupStoreUnavailable';
}

/** Another process has taken the shard: this coordinator is deposed. */
export class ShardFenced extends Error {
  override readonly name = 'ShardFenced';
}

/**
 * The partitions of `__consumer_offsets`, for what is said there after the store has it. Nobody waits for that, and
 * nothing depends on it.
 */
export interface PartitionWriter {
  /** One batch. `later`: the partition is not there, or takes nothing now. `never`: this batch it will not take. */
  append(partition: number, batch: Buffer): 'appended' | 'later' | 'never';
  /** Whole batches from the offset on, or from the first that is there; empty at the end; undefined: not to be read now. */
  read(partition: number, from: Offset): Buffer | undefined;
}

/** What a coordinator knows of topics: the broker's newest image of them. */
export interface TopicCatalog {
  /** Changes whenever topics do. */
  readonly version: number;
  named(name: string): CatalogTopic | undefined;
  withId(id: Uuid): CatalogTopic | undefined;
  names(): Iterable<string>;
}

export interface CatalogTopic {
  readonly name: string;
  readonly id: Uuid;
  /** How many. */
  readonly partitions: number;
  /** Where its replicas are, partition by partition; '' where no broker has a rack. */
  racks(): string;
}
