// Consumer groups and offsets in PostgreSQL.
import type { AcquiredGroups, GroupEvent, GroupStore, Leadership, ShardEpoch } from '@milepost/coordinators';
import type { DataSource } from 'typeorm';
import { GroupWrites } from './group-writes.ts';
import { readGroups, readOffsets, readPendingOffsets } from './group-rows.ts';
import type { PostgresStoreOptions } from './postgres-metadata-store.ts';
import { ShardWrites } from './shard-writes.ts';

const TIMEOUT_MS = 5_000;

export class PostgresGroupStore implements GroupStore {
  readonly #writes: ShardWrites<GroupEvent>;

  constructor(database: DataSource, { logger, timeoutMs = TIMEOUT_MS }: PostgresStoreOptions) {
    const createWrites = (): GroupWrites => new GroupWrites();
    this.#writes = new ShardWrites(database, { logger, timeoutMs, table: 'coordinator_shards', createWrites });
  }

  shards(): Promise<number> {
    return this.#writes.shards();
  }

  acquire(shards: readonly number[], leadership?: Leadership): Promise<AcquiredGroups> {
    return this.#writes.acquire(shards, leadership, async (runner, inOrder) => ({
      groups: await readGroups(runner, inOrder),
      offsets: await readOffsets(runner, inOrder),
      pending: await readPendingOffsets(runner, inOrder),
    }));
  }

  persist(shard: number, epoch: ShardEpoch, events: readonly GroupEvent[]): Promise<void> {
    return this.#writes.persist(shard, epoch, events);
  }
}
