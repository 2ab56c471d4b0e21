// The partitions that this broker leads: makes the disk match the metadata image.
//
// Images are applied one after the other, newer ones only: folders of new partitions are created, those of deleted
// topics removed, configs passed to their logs. Never deletes a partition without proof of its deletion: a folder
// without a row at start is set aside (a restored older database must not erase logs).
import {
  type BrokerId,
  DiskFailed,
  ErrorCode,
  invariant,
  LeaderEpoch,
  type Logger,
  NO_LEADER_EPOCH,
  partitionName,
  severalAtOnce,
} from '@milepost/core';
import { type LogConfig, type LogDirectory, LogFailed } from '@milepost/log';
import {
  type ClusterImage,
  isSameOrigin,
  type MetadataChange,
  OFFSETS_TOPIC,
  type PartitionState,
  type TopicState,
} from '@milepost/metadata';
import { type FlushPolicy, Partition } from '@milepost/replication';
import { firstNames } from './first-names.ts';

/** Leader epochs are 32-bit. */
const LAST_EPOCH = 2 ** 31 - 1;

const isDeepEqual = (one: ClusterImage['brokerConfigs'], other: ClusterImage['brokerConfigs']): boolean =>
  JSON.stringify([...one]) === JSON.stringify([...other]);

/**
 * Folders that are created or removed concurrently: their syncs overlap, and they share one sync of the parent folder.
 */
const FOLDERS_AT_ONCE = 64;

interface Led {
  readonly topic: TopicState;
  readonly state: PartitionState;
  readonly config: LogConfig;
}

export interface LocalPartitionsOptions {
  readonly brokerId: BrokerId;
  readonly flush: FlushPolicy;
  readonly logger: Logger;
  readonly configOf: (topic: TopicState, image: ClusterImage) => LogConfig;
}

export class LocalPartitions {
  readonly #directory: LogDirectory;
  readonly #options: LocalPartitionsOptions;
  readonly #byTopic = new Map<string, Partition[]>();
  /** Topics whose partitions are all open that should be. */
  readonly #complete = new Set<string>();
  #image: ClusterImage;
  /** The image that is being applied to the disk. */
  #coming: ClusterImage | undefined;
  #applying: Promise<unknown> = Promise.resolve();
  #isRetired = false;
  #isFenced = false;

  constructor(directory: LogDirectory, image: ClusterImage, options: LocalPartitionsOptions) {
    this.#directory = directory;
    this.#image = image;
    this.#options = options;
  }

  /** The newest image that the disk matches. */
  get image(): ClusterImage {
    return this.#image;
  }

  get(topic: string, index: number): Partition | undefined {
    return this.#byTopic.get(topic)?.[index];
  }

  /** The partition, or Kafka's error for why it cannot be served here. */
  find(topic: string, index: number): Partition | ErrorCode {
    if (this.#isFenced) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const partition = this.get(topic, index);
    if (partition) return partition.isFailed ? ErrorCode.KAFKA_STORAGE_ERROR : partition;
    const newest = (this.#coming ?? this.#image).topics.get(topic);
    const state = newest?.partitions[index];
    if (!state) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const applied = this.#image.topics.get(topic);
    const wasOpened = applied?.id === newest?.id && applied?.partitions[index] !== undefined;
    const isOurs = state.leader === this.#options.brokerId;
    return isOurs && wasOpened ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }

  *all(): Iterable<Partition> {
    for (const partitions of this.#byTopic.values()) for (const partition of partitions) if (partition) yield partition;
  }

  /** Those that accept no more records until a restart. */
  failed(): string[] {
    if (this.#isFenced) return [];
    return Array.from(this.all())
      .filter(({ isFailed }) => isFailed)
      .map(({ topic, index }) => partitionName(topic, index));
  }

  /** Those whose last append found the disk full. */
  outOfRoom(): string[] {
    return Array.from(this.all())
      .filter(({ isOutOfRoom }) => isOutOfRoom)
      .map(({ topic, index }) => partitionName(topic, index));
  }

  /**
   * At start, before an image is applied: sets folders that the image does not know aside, with the suffix `.stray`.
   */
  async setAsideStrays(image: ClusterImage): Promise<void> {
    const strays = Array.from(this.#directory.logs()).filter((log) => {
      const topic = image.topics.get(log.topic);
      return topic?.id !== log.topicId || !topic.partitions[log.partition];
    });
    this.#reportStrays(strays.map(({ topic, partition }) => partitionName(topic, partition)));
    for (const { topic, partition } of strays) await this.#directory.setAside(topic, partition);
  }

  /**
   * KIP-320: a log that lost its tail continues in a new epoch, by which clients learn of the truncation. So does one
   * that has seen a later epoch than the metadata (an older database restored, a bit flipped in a batch's header, which
   * no CRC covers): otherwise nothing could ever be appended to it again.
   */
  newEpochsAfterLoss(image: ClusterImage): MetadataChange[] {
    return [...this.#ledHere(image)].flatMap(([topic, partition]): MetadataChange[] => {
      const log = this.#directory.get(topic.name, partition.index);
      const latest = Math.max(partition.leaderEpoch, log?.latestEpoch ?? NO_LEADER_EPOCH);
      if (!log || (!log.lostTail && latest === partition.leaderEpoch) || latest >= LAST_EPOCH) return [];
      const leaderEpoch = LeaderEpoch(latest + 1);
      const partitionEpoch = partition.partitionEpoch + 1;
      return [{ type: 'partition-changed', id: topic.id, partition: { ...partition, leaderEpoch, partitionEpoch } }];
    });
  }

  /** The largest producer id in the logs; -1 for none. */
  largestProducerId(): bigint {
    let largest = -1n;
    for (const { largestProducerId } of this.#directory.logs())
      if (largestProducerId > largest) largest = largestProducerId;
    return largest;
  }

  /**
   * Resolves when the disk matches this image, or a newer one. After `retire` it does nothing: the folder may belong to
   * another process by then. The change is in the store, and the next start applies it.
   */
  apply(image: ClusterImage): Promise<void> {
    const applied = this.#applying.then(() => this.#apply(image));
    this.#applying = applied.catch(() => {});
    return applied;
  }

  /** Another process is this broker now: nothing is served, appended or acknowledged any more. */
  fence(): void {
    this.#isFenced = true;
    this.#isRetired = true;
    for (const partition of this.all()) partition.retire();
  }

  /** Resolves when no request waits for a partition, and no append and no image touches the directory any more. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    await this.#applying;
    for (const partition of this.all()) partition.retire();
  }

  async #apply(image: ClusterImage): Promise<void> {
    if (this.#isRetired || image.version < this.#image.version) return;
    this.#coming = image; // by it, requests that waited for a deleted topic see that the topic is gone
    for (const [name, partitions] of this.#byTopic)
      if (image.topics.get(name)?.id !== partitions.find(Boolean)?.topicId)
        await this.#forget(name, partitions, isSameOrigin(image.origin, this.#image.origin) ? 'deleted' : 'stray');
    const sameBrokers = isDeepEqual(image.brokerConfigs, this.#image.brokerConfigs);
    const changed = [...image.topics.values()].filter(
      (topic) => !sameBrokers || this.#image.topics.get(topic.name) !== topic || !this.#complete.has(topic.name),
    );
    for (const { name } of changed) this.#complete.add(name);
    await severalAtOnce(FOLDERS_AT_ONCE, this.#ledOf(changed, image), (led) => this.#open(led));
    this.#image = image;
    this.#coming = undefined;
  }

  /**
   * A topic is missing in an image of another origin because the database has lost it: its logs are stray, not deleted.
   * What the disk does not release now is set aside at the next start, or makes room for a partition of that name.
   */
  async #forget(topic: string, partitions: Partition[], reason: 'deleted' | 'stray'): Promise<void> {
    this.#byTopic.delete(topic);
    this.#complete.delete(topic);
    if (reason === 'stray')
      this.#reportStrays(partitions.filter(Boolean).map(({ index }) => partitionName(topic, index)));
    await severalAtOnce(FOLDERS_AT_ONCE, partitions.filter(Boolean), async (partition) => {
      partition.retire();
      try {
        if (reason === 'deleted') await this.#directory.delete(topic, partition.index);
        else await this.#directory.setAside(topic, partition.index);
      } catch (failure) {
        if (!(failure instanceof DiskFailed)) throw failure;
        const name = partitionName(topic, partition.index);
        this.#options.logger.error(
          { partition: name, err: failure },
          `${name} is gone from the metadata, but its folder could not be moved yet`,
        );
      }
    });
  }

  #reportStrays(names: readonly string[]): void {
    if (names.length === 0) return;
    this.#options.logger.warn(
      { partitions: names.length },
      `the metadata knows no such partition, or another topic id: set aside as .stray: ${firstNames(names)}`,
    );
  }

  /** A partition whose folder the disk refuses is offline, and retried with the next image; the others are served. */
  async #open({ topic, state, config }: Led): Promise<void> {
    try {
      const partition = this.get(topic.name, state.index) ?? (await this.#openPartition(topic, state, config));
      partition.lead(state.leaderEpoch);
      partition.log.config = config;
    } catch (failure) {
      if (!(failure instanceof DiskFailed)) throw failure;
      this.#complete.delete(topic.name);
      const name = partitionName(topic.name, state.index);
      this.#options.logger.error({ partition: name, err: failure }, `${name} is offline: its folder cannot be created`);
    }
  }

  *#ledOf(topics: readonly TopicState[], image: ClusterImage): Iterable<Led> {
    for (const topic of topics) {
      const config = this.#options.configOf(topic, image);
      for (const state of topic.partitions) if (state.leader === this.#options.brokerId) yield { topic, state, config };
    }
  }

  async #openPartition(
    topic: TopicState,
    { index, leaderEpoch }: PartitionState,
    config: LogConfig,
  ): Promise<Partition> {
    // An echo of the group store: no sync is spent on it.
    const flush = topic.name === OFFSETS_TOPIC ? 'os' : this.#options.flush;
    const log =
      this.#directory.get(topic.name, index) ?? (await this.#directory.create(topic.name, topic.id, index, config));
    invariant(log.topicId === topic.id, () => `${topic.name}-${index}: topic id ${log.topicId}, expected ${topic.id}`);
    const opened = new Partition(log, leaderEpoch, flush, {
      failed: (partition, failure) => this.#reportFailed(partition, failure),
      watcherFailed: (partition, failure) => this.#reportWatcher(partition, failure),
    });
    const partitions = this.#byTopic.get(topic.name) ?? [];
    partitions[index] = opened;
    this.#byTopic.set(topic.name, partitions);
    return opened;
  }

  *#ledHere(image: ClusterImage): Iterable<[TopicState, PartitionState]> {
    for (const topic of image.topics.values())
      for (const partition of topic.partitions)
        if (partition.leader === this.#options.brokerId) yield [topic, partition];
  }

  /** A log reports a disk failure itself, when it happens; this is for any other failure. */
  #reportFailed(partition: Partition, failure: unknown): void {
    if (failure instanceof LogFailed) return;
    const name = partitionName(partition.topic, partition.index);
    this.#options.logger.error(
      { partition: name, err: failure },
      `${name} takes no more records, because of a bug: restart the broker; unsynced records may be lost`,
    );
  }

  #reportWatcher(partition: Partition, failure: unknown): void {
    const name = partitionName(partition.topic, partition.index);
    this.#options.logger.error(
      { partition: name, err: failure },
      `${name}: a request that waited for it failed, because of a bug; the partition continues`,
    );
  }
}
