// The replicas of this broker: makes the disk match the metadata image.
//
// Images are applied one after the other, newer ones only: folders of new replicas are created, those of deleted topics
// and of replicas that moved to other brokers removed, roles and configs passed on. The role of a replica changes only
// while nothing is being copied to it. Never deletes a replica without proof of its deletion: a folder without a row at
// start is set aside (a restored older database must not erase logs).
import {
  type BrokerId,
  type Clock,
  DiskFailed,
  ErrorCode,
  invariant,
  LeaderEpoch,
  type Logger,
  NO_BROKER,
  NO_LEADER_EPOCH,
  partitionName,
  severalAtOnce,
} from '@milepost/core';
import { type Log, type LogConfig, type LogDirectory, LogFailed } from '@milepost/log';
import {
  type ClusterImage,
  isAlive,
  isInternalTopic,
  isSameOrigin,
  type MetadataChange,
  type PartitionState,
  type TopicState,
} from '@milepost/metadata';
import { type FlushPolicy, Partition, type PartitionDeps, type ReplicaFetchers } from '@milepost/replication';
import { firstNames } from './first-names.ts';

/** Leader epochs are 32-bit. */
const LAST_EPOCH = 2 ** 31 - 1;

const isDeepEqual = (one: ClusterImage['brokerConfigs'], other: ClusterImage['brokerConfigs']): boolean =>
  JSON.stringify([...one]) === JSON.stringify([...other]);

/**
 * Folders that are created or removed concurrently: their syncs overlap, and they share one sync of the parent folder.
 */
const FOLDERS_AT_ONCE = 64;

interface LocalReplica {
  readonly topic: TopicState;
  readonly state: PartitionState;
  readonly config: LogConfig;
}

export interface LocalPartitionsOptions extends Pick<PartitionDeps, 'lagTimeMs' | 'proposeIsr'> {
  readonly brokerId: BrokerId;
  readonly flush: FlushPolicy;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fetchers: Pick<ReplicaFetchers, 'add' | 'remove'>;
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

  /** The partition that is led here, or Kafka's error for why it cannot be served here. */
  find(topic: string, index: number): Partition | ErrorCode {
    const replica = this.findReplica(topic, index);
    if (typeof replica === 'number' || replica.isLeader) return replica;
    return ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }

  /** As `find`, whether it is led here or followed. */
  findReplica(topic: string, index: number): Partition | ErrorCode {
    if (this.#isFenced) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const partition = this.get(topic, index);
    if (partition) return partition.isFailed ? ErrorCode.KAFKA_STORAGE_ERROR : partition;
    const newest = (this.#coming ?? this.#image).topics.get(topic);
    const state = newest?.partitions[index];
    if (!state) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const applied = this.#image.topics.get(topic);
    const before = applied?.id === newest?.id ? applied?.partitions[index] : undefined;
    const wasOpened = before !== undefined && this.#isReplica(before);
    return this.#isReplica(state) && wasOpened ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.NOT_LEADER_OR_FOLLOWER;
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
   * At start, before an image is applied: sets folders of partitions that have no replica here aside, with the suffix
   * `.stray`.
   */
  async setAsideStrays(image: ClusterImage): Promise<void> {
    const strays = Array.from(this.#directory.logs()).filter((log) => {
      const topic = image.topics.get(log.topic);
      const state = topic?.id === log.topicId ? topic.partitions[log.partition] : undefined;
      return !state || !this.#isReplica(state);
    });
    this.#reportStrays(strays.map(({ topic, partition }) => partitionName(topic, partition)));
    for (const { topic, partition } of strays) await this.#directory.setAside(topic, partition);
  }

  /**
   * KIP-320: a log that lost its tail continues in a new epoch, by which clients learn of the truncation. So does one
   * that has seen a later epoch than the metadata (an older database restored, a bit flipped in a batch's header, which
   * no CRC covers): otherwise nothing could ever be appended to it again.
   * And so do all whose epoch clients may have seen exceeded: they believe no older one. `heard` is the latest epoch that
   * they may have heard of, where the database went back.
   * A replica that may lack something that it reported to its leader, its whole folder included, leaves the ISR if others are
   * in it, and one of those leads (KIP-966). One that lost a torn write stays: the others may have lost more
   * (docs/decisions/0018-a-torn-write-is-no-loss.md).
   */
  newEpochsAfterLoss(image: ClusterImage, heard: LeaderEpoch = NO_LEADER_EPOCH): MetadataChange[] {
    return [...this.#replicasIn(image)].flatMap(([topic, state]): MetadataChange[] => {
      const log = this.#directory.get(topic.name, state.index);
      const changed = mayLackRecords(topic, log) ? withoutReplica(image, state, this.#options.brokerId) : undefined;
      const partition = changed ?? withNewEpoch(state, this.#options.brokerId, log, heard);
      return partition ? [{ type: 'partition-changed', id: topic.id, partition }] : [];
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
    const reason = isSameOrigin(image.origin, this.#image.origin) ? 'deleted' : 'stray';
    for (const [name, partitions] of this.#byTopic)
      if (image.topics.get(name)?.id !== partitions.find(Boolean)?.topicId) {
        this.#byTopic.delete(name);
        this.#complete.delete(name);
        await this.#forgetAll(partitions.filter(Boolean), reason);
      }
    for (const { name, partitions } of changedTopics(image, this.#image)) {
      const moved = partitions.flatMap((state) => (this.#isReplica(state) ? [] : (this.get(name, state.index) ?? [])));
      for (const { index } of moved) delete this.#byTopic.get(name)?.[index];
      await this.#forgetAll(moved, reason);
    }
    const sameBrokers = isDeepEqual(image.brokerConfigs, this.#image.brokerConfigs);
    const changed = [...image.topics.values()].filter(
      (topic) => !sameBrokers || this.#image.topics.get(topic.name) !== topic || !this.#complete.has(topic.name),
    );
    for (const { name } of changed) this.#complete.add(name);
    await severalAtOnce(FOLDERS_AT_ONCE, this.#replicasOf(changed, image), (replica) => this.#open(replica));
    this.#image = image;
    this.#coming = undefined;
  }

  /**
   * A topic is missing in an image of another origin because the database has lost it: its logs are stray, not deleted.
   * What the disk does not release now is set aside at the next start, or makes room for a partition of that name.
   */
  async #forgetAll(partitions: readonly Partition[], reason: 'deleted' | 'stray'): Promise<void> {
    if (reason === 'stray') this.#reportStrays(partitions.map(({ topic, index }) => partitionName(topic, index)));
    await severalAtOnce(FOLDERS_AT_ONCE, partitions, async (partition) => {
      const { topic, index } = partition;
      partition.retire();
      await this.#options.fetchers.remove(partition);
      try {
        if (reason === 'deleted') await this.#directory.delete(topic, index);
        else await this.#directory.setAside(topic, index);
      } catch (failure) {
        if (!(failure instanceof DiskFailed)) throw failure;
        const name = partitionName(topic, index);
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
      `the metadata knows no such replica here, or another topic id: set aside as .stray: ${firstNames(names)}`,
    );
  }

  /** A partition whose folder the disk refuses is offline, and retried with the next image; the others are served. */
  async #open({ topic, state, config }: LocalReplica): Promise<void> {
    try {
      const open = this.get(topic.name, state.index);
      const partition = open ?? (await this.#openPartition(topic, state, config));
      partition.log.config = config;
      await this.#give(partition, state, open === undefined);
    } catch (failure) {
      if (!(failure instanceof DiskFailed)) throw failure;
      this.#complete.delete(topic.name);
      const name = partitionName(topic.name, state.index);
      this.#options.logger.error({ partition: name, err: failure }, `${name} is offline: its folder cannot be created`);
    }
  }

  /** Its role. A follower in a new epoch is fetched for anew, behind everything that the old epoch brought. */
  async #give(partition: Partition, state: PartitionState, isNew: boolean): Promise<void> {
    const { fetchers, brokerId } = this.#options;
    const isSameTerm = !isNew && partition.leaderEpoch === state.leaderEpoch && partition.leader === state.leader;
    if (!isSameTerm) await fetchers.remove(partition);
    partition.become(state);
    if (!isSameTerm && state.leader !== brokerId && state.leader !== NO_BROKER) fetchers.add(partition, state.leader);
  }

  *#replicasOf(topics: readonly TopicState[], image: ClusterImage): Iterable<LocalReplica> {
    for (const topic of topics) {
      const config = this.#options.configOf(topic, image);
      for (const state of topic.partitions) if (this.#isReplica(state)) yield { topic, state, config };
    }
  }

  async #openPartition(topic: TopicState, state: PartitionState, config: LogConfig): Promise<Partition> {
    const { index } = state;
    // An echo of the group store: no sync is spent on it.
    const flush = isInternalTopic(topic.name) ? 'os' : this.#options.flush;
    const log =
      this.#directory.get(topic.name, index) ?? (await this.#directory.create(topic.name, topic.id, index, config));
    invariant(log.topicId === topic.id, () => `${topic.name}-${index}: topic id ${log.topicId}, expected ${topic.id}`);
    const { brokerId, clock, lagTimeMs, proposeIsr } = this.#options;
    const opened = new Partition(log, state, {
      brokerId,
      flush,
      clock,
      lagTimeMs,
      proposeIsr,
      activeEpochOf: (id) => (isAlive(this.#image, id) ? this.#image.brokers.get(id)?.epoch : undefined),
      reports: {
        failed: (partition, failure) => this.#reportFailed(partition, failure),
        watcherFailed: (partition, failure) => this.#reportWatcher(partition, failure),
      },
    });
    const partitions = this.#byTopic.get(topic.name) ?? [];
    partitions[index] = opened;
    this.#byTopic.set(topic.name, partitions);
    return opened;
  }

  #isReplica({ replicas }: PartitionState): boolean {
    return replicas.includes(this.#options.brokerId);
  }

  *#replicasIn(image: ClusterImage): Iterable<[TopicState, PartitionState]> {
    for (const topic of image.topics.values())
      for (const state of topic.partitions) if (this.#isReplica(state)) yield [topic, state];
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

function* changedTopics(image: ClusterImage, before: ClusterImage): Iterable<TopicState> {
  for (const topic of image.topics.values()) if (before.topics.get(topic.name) !== topic) yield topic;
}

/** An internal topic counts what is not synced. */
const mayLackRecords = ({ name }: TopicState, log: Log | undefined): boolean =>
  log === undefined || (isInternalTopic(name) ? log.lostTail : log.mayLackAcknowledged);

/** Undefined where it is not in sync, or alone so: then it has more than any other. */
function withoutReplica(image: ClusterImage, state: PartitionState, id: BrokerId): PartitionState | undefined {
  const isr = state.isr.filter((one) => one !== id);
  if (isr.length === state.isr.length || isr.length === 0) return undefined;
  const partitionEpoch = state.partitionEpoch + 1;
  if (state.leader !== id) return { ...state, isr, partitionEpoch };
  const leader = state.replicas.find((one) => isr.includes(one) && isAlive(image, one)) ?? NO_BROKER;
  return { ...state, isr, partitionEpoch, leader, leaderEpoch: LeaderEpoch(state.leaderEpoch + 1) };
}

/** Undefined where the epoch is good enough. */
function withNewEpoch(
  state: PartitionState,
  id: BrokerId,
  log: Log | undefined,
  heard: LeaderEpoch,
): PartitionState | undefined {
  const latest = Math.max(state.leaderEpoch, log?.latestEpoch ?? NO_LEADER_EPOCH, heard);
  if (state.leader !== id || !log || (!log.lostTail && latest === state.leaderEpoch) || latest >= LAST_EPOCH)
    return undefined;
  return { ...state, leaderEpoch: LeaderEpoch(latest + 1), partitionEpoch: state.partitionEpoch + 1 };
}
