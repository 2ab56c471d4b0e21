// The store of groups and offsets, as the coordinator needs it: PostgreSQL in production (libs/postgres), memory in tests
// and in the simulator; both pass group-store.contract.ts. A write that fails throws CoordinatorStoreUnavailable or ShardFenced
// (runtime/shard-store.ts).
import type { LeaderEpoch, Offset, Timestamp, Uuid } from '@milepost/core';
import type { Leadership, ShardEpoch } from '../../runtime/shard-store.ts';

/**
 * A group's durable state: what a coordinator needs to continue after a restart. `state` is the coordinator's own JSON.
 */
export interface StoredGroup {
  readonly groupId: string;
  readonly kind: 'classic' | 'consumer' | 'share';
  readonly generation: number;
  readonly state: unknown;
}

/** May belong to a group that was never stored: a consumer that assigns partitions to itself (a "simple" group). */
export interface StoredOffset {
  readonly groupId: string;
  readonly topic: string;
  /** ZERO_UUID if the client's version names topics by name and the id was unknown. */
  readonly topicId: Uuid;
  readonly partition: number;
  readonly offset: Offset;
  readonly leaderEpoch: LeaderEpoch;
  /** Any text that a client likes, U+0000 included (as in group ids). */
  readonly metadata: string;
  readonly committedAt: Timestamp;
  /** Only if an old client requested it (OffsetCommit v2-4 retention time); null: the group's own rule. */
  readonly expiresAt: Timestamp | null;
}

/** An offset that a transaction commits or drops when it ends. A producer has one transaction at a time. */
export interface PendingOffset {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly offset: StoredOffset;
}

export type GroupEvent =
  | { readonly type: 'group-stored'; readonly group: StoredGroup }
  /** With all its offsets, pending ones too. Absent is fine. What a share group has in flight is forgotten by an event of its own. */
  | { readonly type: 'group-deleted'; readonly groupId: string }
  | { readonly type: 'offset-committed'; readonly offset: StoredOffset }
  | { readonly type: 'offset-pending'; readonly pending: PendingOffset }
  /** The producer's transaction has ended: it has no pending offsets in the group any more. */
  | { readonly type: 'pending-offsets-ended'; readonly groupId: string; readonly producerId: bigint }
  /** With the pending ones of that partition. */
  | {
      readonly type: 'offset-deleted';
      readonly groupId: string;
      readonly topic: string;
      readonly partition: number;
    }
  /** A share group reads the partition from now on. Its row is read and written by the partition's leader. */
  | {
      readonly type: 'share-partition-initialized';
      readonly groupId: string;
      readonly topicId: Uuid;
      readonly partition: number;
      /** -1: the leader chooses it. */
      readonly startOffset: number;
      /** An administrator has set the offset: what was in flight is forgotten. Else a row that is there stays. */
      readonly resets: boolean;
    }
  /** Null: all topics. */
  | { readonly type: 'share-topic-forgotten'; readonly groupId: string; readonly topicId: Uuid | null };

export interface GroupStore {
  /**
   * How many shards the groups of this store are divided into; 0 before any shard was acquired. It never changes: with
   * another number most groups would belong to another shard than the one that has their rows.
   * @throws CoordinatorStoreUnavailable
   */
  shards(): Promise<number>;
  /**
   * Makes this process the owner of the shards (partitions of `__consumer_offsets`) and reads all that they hold. From
   * now on writes that carry an older epoch for them are refused. A shard that a later leader of its partition has acquired
   * is refused: it is not among the `epochs`. @throws CoordinatorStoreUnavailable
   */
  acquire(shards: readonly number[], leadership?: Leadership): Promise<AcquiredGroups>;
  /**
   * Writes all of the events, in order, in one transaction, or none. Concurrent calls share transactions. Resolves when
   * the events are durable. Settles only once they can no longer land: a group's next write follows at once, and an
   * offset of this call must not arrive after it.
   * @throws CoordinatorStoreUnavailable (nothing was applied, or it is unknown), ShardFenced
   */
  persist(shard: number, epoch: ShardEpoch, events: readonly GroupEvent[]): Promise<void>;
}

export interface AcquiredGroups {
  /** By shard. */
  readonly epochs: ReadonlyMap<number, ShardEpoch>;
  /** In any order. */
  readonly groups: readonly StoredGroup[];
  readonly offsets: readonly StoredOffset[];
  readonly pending: readonly PendingOffset[];
}
