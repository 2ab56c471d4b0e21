// A group store in memory, for tests and the simulator. Several stores may share one GroupTable, as several processes share a
// database. A test can make it fail: away (refuses), forgetful (writes, then reports that it is away), slow.
import { partitionName } from '@milepost/core';
import type {
  GroupEvent,
  GroupStore,
  PendingOffset,
  StoredGroup,
  StoredOffset,
  AcquiredGroups,
} from './model/store.ts';
import { forgetShareRows, initializeShareRow, type ShareRow } from './model/share-rows.ts';
import { epochOf, raiseEpochs } from '../runtime/memory-epochs.ts';
import {
  CoordinatorStoreUnavailable,
  fenceOf,
  type Leadership,
  type ShardEpoch,
  type ShardLeader,
} from '../runtime/shard-store.ts';

/** The data, which outlives a store as the tables of a database do. */
export class GroupTable {
  readonly epochs = new Map<number, number>();
  /** By shard, the leadership that it was last acquired under. */
  readonly leaders = new Map<number, ShardLeader>();
  readonly groups = new Map<string, GroupRows>();
  /** Of share partitions; their leaders write to them (MemoryShareStateStore). */
  readonly shares = new Map<string, ShareRow>();

  apply(shard: number, event: GroupEvent): void {
    switch (event.type) {
      case 'group-stored':
        // Through JSON, as in a database.
        this.#rows(shard, event.group.groupId).group = JSON.parse(JSON.stringify(event.group)) as StoredGroup;
        break;
      case 'group-deleted':
        this.groups.delete(event.groupId);
        break;
      case 'offset-committed': {
        const { groupId, topic, partition } = event.offset;
        this.#rows(shard, groupId).offsets.set(partitionName(topic, partition), event.offset);
        break;
      }
      case 'offset-deleted': {
        const { groupId, topic, partition } = event;
        this.groups.get(groupId)?.offsets.delete(partitionName(topic, partition));
        this.#endPending(groupId, ({ offset }) => offset.topic === topic && offset.partition === partition);
        break;
      }
      case 'offset-pending': {
        const { producerId, offset } = event.pending;
        const name = `${producerId} ${partitionName(offset.topic, offset.partition)}`;
        this.#rows(shard, offset.groupId).pending.set(name, event.pending);
        break;
      }
      case 'pending-offsets-ended':
        this.#endPending(event.groupId, ({ producerId }) => producerId === event.producerId);
        break;
      case 'share-partition-initialized':
        initializeShareRow(this.shares, event);
        break;
      case 'share-topic-forgotten':
        forgetShareRows(this.shares, event.groupId, event.topicId);
        break;
    }
  }

  #endPending(groupId: string, isEnded: (pending: PendingOffset) => boolean): void {
    const pending = this.groups.get(groupId)?.pending;
    for (const [name, one] of pending ?? []) if (isEnded(one)) pending?.delete(name);
  }

  #rows(shard: number, groupId: string): GroupRows {
    const rows = this.groups.get(groupId) ?? { shard, group: undefined, offsets: new Map(), pending: new Map() };
    this.groups.set(groupId, rows);
    return rows;
  }
}

interface GroupRows {
  readonly shard: number;
  group: StoredGroup | undefined;
  readonly offsets: Map<string, StoredOffset>;
  readonly pending: Map<string, PendingOffset>;
}

export class MemoryGroupStore implements GroupStore {
  readonly table: GroupTable;
  health: 'well' | 'away' | 'forgetful' = 'well';
  /** Each call waits for this first. */
  pace: () => Promise<void> = async () => {};
  persisted = 0;

  constructor(table = new GroupTable()) {
    this.table = table;
  }

  async shards(): Promise<number> {
    await this.#reach();
    return Math.max(-1, ...this.table.epochs.keys()) + 1;
  }

  async acquire(shards: readonly number[], leadership?: Leadership): Promise<AcquiredGroups> {
    await this.#reach();
    const epochs = raiseEpochs(this.table, shards, leadership);
    const rows = [...this.table.groups.values()].filter((row) => epochs.has(row.shard));
    return {
      epochs,
      groups: rows.flatMap((row) => row.group ?? []),
      offsets: rows.flatMap((row) => [...row.offsets.values()]),
      pending: rows.flatMap((row) => [...row.pending.values()]),
    };
  }

  async persist(shard: number, epoch: ShardEpoch, events: readonly GroupEvent[]): Promise<void> {
    await this.#reach();
    const fence = fenceOf(shard, { current: epochOf(this.table, shard), epoch });
    if (fence) throw fence;
    for (const event of events) this.table.apply(shard, event);
    this.persisted += 1;
    if (this.health === 'forgetful') throw new CoordinatorStoreUnavailable('the response got lost');
  }

  async #reach(): Promise<void> {
    await this.pace();
    if (this.health === 'away') throw new CoordinatorStoreUnavailable('the group store is away');
  }
}
