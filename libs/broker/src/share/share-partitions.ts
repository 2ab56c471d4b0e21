// The share partitions that this broker has in memory: read from the store when a member first fetches them, dropped when no
// session fetches them any more, or when another leader or a reset has fenced them. What is dropped is read again.
import { type Clock, ErrorCode, type Logger, type Uuid } from '@milepost/core';
import {
  CoordinatorStoreUnavailable,
  NO_START_OFFSET,
  SharePartition,
  type SharePartitionKey,
  type ShareSettings,
  ShareStateFenced,
  type ShareStateStore,
} from '@milepost/coordinators';
import type { Partition } from '@milepost/replication';

/** undefined: the store is away. The next fetch tries again. */
export type Loaded = SharePartition | ErrorCode | undefined;

export interface SharePartitionsDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: ShareStateStore;
  readonly settingsOf: (groupId: string) => ShareSettings;
  /** Where a group begins to read the partition. */
  readonly startOffsetOf: (groupId: string, partition: Partition) => number | Promise<number>;
}

export class SharePartitions {
  readonly #deps: SharePartitionsDeps;
  readonly #loaded = new Map<string, SharePartition>();
  readonly #loading = new Map<string, Promise<Loaded>>();

  constructor(deps: SharePartitionsDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#loaded.size;
  }

  find(groupId: string, topicId: Uuid, partition: number): SharePartition | undefined {
    return this.#loaded.get(nameOf({ groupId, topicId, partition }));
  }

  /** Never rejects. */
  load(groupId: string, partition: Partition): SharePartition | Promise<Loaded> {
    const key = { groupId, topicId: partition.topicId, partition: partition.index };
    const name = nameOf(key);
    const known = this.#loaded.get(name);
    if (known) return known;
    const loading = this.#loading.get(name) ?? this.#load(key, partition).finally(() => this.#loading.delete(name));
    this.#loading.set(name, loading);
    return loading;
  }

  /** What the member has acquired is available again; then the partition is dropped unless `isUsed`. */
  async release(key: SharePartitionKey, memberId: string, isUsed: () => boolean): Promise<void> {
    await this.#loading.get(nameOf(key));
    const share = this.#loaded.get(nameOf(key));
    await share?.release(memberId);
    if (share?.isIdle && !isUsed()) await share.close();
  }

  /** Resolves when no write is in progress. */
  async close(): Promise<void> {
    await Promise.all([...this.#loaded.values()].map((share) => share.close()));
  }

  async #load(key: SharePartitionKey, partition: Partition): Promise<Loaded> {
    const { store, startOffsetOf, clock, settingsOf, logger } = this.#deps;
    const { groupId } = key;
    try {
      const stored = await store.acquire(key, partition.leaderEpoch);
      // The group has not subscribed to it, or is gone. Kafka: a read of an uninitialized share partition.
      if (!stored) return ErrorCode.UNKNOWN_SERVER_ERROR;
      const isNew = stored.startOffset === NO_START_OFFSET;
      const startOffset = isNew ? await startOffsetOf(groupId, partition) : stored.startOffset;
      const share: SharePartition = new SharePartition(
        {
          key,
          clock,
          store,
          settings: () => settingsOf(groupId),
          onFenced: () => {
            if (this.#loaded.get(nameOf(key)) === share) this.#loaded.delete(nameOf(key));
          },
        },
        { ...stored, startOffset },
      );
      if (isNew && (await share.store()).error !== ErrorCode.NONE) return undefined;
      this.#loaded.set(nameOf(key), share);
      return share;
    } catch (failure) {
      if (failure instanceof ShareStateFenced) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
      if (failure instanceof CoordinatorStoreUnavailable) return undefined;
      logger.error({ group: groupId, topic: partition.topic, err: failure }, 'a share partition was not loaded');
      return ErrorCode.UNKNOWN_SERVER_ERROR;
    }
  }
}

const nameOf = ({ groupId, topicId, partition }: SharePartitionKey): string =>
  JSON.stringify([groupId, topicId, partition]);
