// The part of a broker on its disk: the log directory, the replicas of partitions, the requests that wait for them, and
// the upkeep of their logs.
//
// Promises: `lead` is done before anything is served; after `close` no image and no retention touches the folder.
import { DiskFailed, type DiskLock, type Host, type LeaderEpoch, Offset, partitionName } from '@milepost/core';
import { LogCleaner, type LogConfig, LogDirectory, logConfigOf } from '@milepost/log';
import { type ClusterImage, type Decide, topicConfigValues, type TopicState } from '@milepost/metadata';
import { type BrokerConfig, type BrokerSettings, cleanerSettings, configLayers } from '../broker-config.ts';
import { TopicTraffic } from '../telemetry/topic-traffic.ts';
import { Replication } from './replication.ts';
import { LocalPartitions } from '../partitions/local-partitions.ts';
import { type CommittedOffset, type LossDeps, makeUpForLoss } from '../partitions/lost-records.ts';
import { Purgatory } from '../partitions/purgatory.ts';
import { keepRetention } from '../partitions/retention.ts';
import { Unpacking } from '../partitions/unpacking.ts';

/** A disk with this much free space is not full, whatever a log has found before. */
const ROOM_BYTES = 64 * 1024 * 1024;
/** Written and removed to see whether a quota is still used up. */
const TRIAL_BYTES = 1024 * 1024;

type Commit = (decide: Decide) => Promise<ClusterImage>;

export class Storage {
  readonly partitions: LocalPartitions;
  readonly delayedProduces: Purgatory;
  readonly delayedFetches: Purgatory;
  readonly unpacking: Unpacking;
  readonly traffic: TopicTraffic;
  readonly replication: Replication;
  readonly #host: Host;
  readonly #config: BrokerConfig;
  readonly #directory: LogDirectory;
  /** Partitions led here that had no folder when the broker started. */
  #withoutFolder: ReadonlySet<string> = new Set();

  private constructor(
    host: Host,
    config: BrokerConfig,
    directory: LogDirectory,
    partitions: LocalPartitions,
    replication: Replication,
  ) {
    this.replication = replication;
    this.#host = host;
    this.#config = config;
    this.#directory = directory;
    this.partitions = partitions;
    this.delayedProduces = new Purgatory(host.clock);
    this.delayedFetches = new Purgatory(host.clock);
    this.unpacking = new Unpacking(host.clock);
    this.traffic = new TopicTraffic(host.meter, () => partitions.image.topics.keys());
  }

  /** Recovers the logs in the folder that `lock` locks. @throws LogDirectoryRefused */
  static async open(
    host: Host,
    image: ClusterImage,
    config: BrokerConfig,
    settings: BrokerSettings,
    lock: DiskLock,
  ): Promise<Storage> {
    const { brokerId, dataDir, flush, onProgress } = config;
    const configOf = (topic: TopicState, of: ClusterImage): LogConfig =>
      logConfigOf(topicConfigValues(topic.configs, configLayers(of, config)));
    const directory = await LogDirectory.open(
      host,
      dataDir,
      { clusterId: image.clusterId, brokerId },
      {
        flush,
        lock,
        configOf: (name) => {
          const topic = image.topics.get(name);
          return topic ? configOf(topic, image) : logConfigOf({});
        },
        topicIdOf: (name) => image.topics.get(name)?.id,
        ...(onProgress && { onProgress }),
      },
    );
    const replication = new Replication();
    const partitions = new LocalPartitions(directory, image, {
      brokerId,
      flush,
      clock: host.clock,
      logger: host.logger,
      configOf,
      lagTimeMs: settings.replication.lagTimeMs,
      proposeIsr: replication.proposeIsr,
      fetchers: replication.fetchers,
    });
    return new Storage(host, config, directory, partitions, replication);
  }

  /**
   * Sets strays aside, begins a new leader epoch where a log lost its tail or, if the database went back, clients have
   * `heard` of a later one, and opens every partition led here.
   */
  async lead(image: ClusterImage, commit: Commit, heard?: LeaderEpoch): Promise<void> {
    await this.partitions.setAsideStrays(image);
    const current = await commit((newest) => this.partitions.newEpochsAfterLoss(newest, heard));
    await this.partitions.setAsideStrays(current); // a deletion of the last life may have been committed only now
    this.#withoutFolder = new Set(this.#ledWithoutFolder(current));
    await this.partitions.apply(current);
  }

  /** For a folder that the database does not know: see lost-records.ts. */
  makeUpForLoss(committed: readonly CommittedOffset[], commit: LossDeps['commit']): Promise<void> {
    const { brokerId } = this.#config;
    const deps = { partitions: this.partitions, logger: this.#host.logger, brokerId, commit };
    return makeUpForLoss(deps, this.#withoutFolder, committed);
  }

  /** Begins retention and cleaning. The returned function ends them, and resolves when neither is running. */
  startUpkeep({ retentionCheckIntervalMs }: BrokerSettings): () => Promise<void> {
    const { partitions } = this;
    const stop = new AbortController();
    const retention = keepRetention(
      { host: this.#host, partitions: () => partitions.all(), intervalMs: retentionCheckIntervalMs },
      stop.signal,
    );
    const cleaner = new LogCleaner({
      host: this.#host,
      logs: () => Array.from(partitions.all(), ({ log }) => log),
      settings: () => cleanerSettings(configLayers(partitions.image, this.#config)),
      lastStableOffsetOf: (log) => partitions.get(log.topic, log.partition)?.lastStableOffset ?? Offset(0),
    });
    cleaner.begin();
    return async () => {
      stop.abort();
      await cleaner.close();
      await retention;
    };
  }

  *#ledWithoutFolder({ topics }: ClusterImage): Iterable<string> {
    for (const { name, partitions } of topics.values())
      for (const { index, leader } of partitions)
        if (leader === this.#config.brokerId && !this.#directory.get(name, index)) yield partitionName(name, index);
  }

  diskSpace(): { readonly freeBytes: number; readonly totalBytes: number } {
    return this.#host.disk.free(this.#directory.folder);
  }

  /** If nothing was appended since room was made, the disk's free space decides. */
  partitionsOutOfRoom(): string[] {
    const names = this.partitions.outOfRoom();
    return names.length > 0 && (this.diskSpace().freeBytes < ROOM_BYTES || !this.#canWrite()) ? names : [];
  }

  /** Under a quota (EDQUOT) the file system reports free space that this user may not use: only a write tells. */
  #canWrite(): boolean {
    const { disk } = this.#host;
    const path = `${this.#directory.folder}/.room`;
    try {
      const file = disk.open(path, 'create');
      try {
        file.append(new Uint8Array(TRIAL_BYTES));
        return true;
      } finally {
        file.close();
        disk.remove(path).catch(() => {}); // the next trial is good for a file that is still there
      }
    } catch (failure) {
      if (!(failure instanceof DiskFailed)) throw failure;
      return !failure.isFull;
    }
  }

  async close(): Promise<void> {
    try {
      await this.replication.close();
      await this.partitions.retire();
    } finally {
      await this.#directory.close();
    }
  }
}
