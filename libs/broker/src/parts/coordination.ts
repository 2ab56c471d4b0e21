// The group coordinator of this broker and what it stands on: the topic in which it echoes, the catalog of topics, the
// configs of groups.
import type { Background, Host } from '@milepost/core';
import { GroupCoordinator, type GroupStore } from '@milepost/coordinators';
import { type BrokerConfigLayers, OFFSETS_TOPIC } from '@milepost/metadata';
import type { BrokerSettings } from '../broker-config.ts';
import type { LocalPartitions } from '../partitions/local-partitions.ts';
import { groupOverrides } from '../groups/group-overrides.ts';
import { chooseGroupShards } from '../groups/group-shards.ts';
import { OffsetsTopic } from '../groups/offsets-topic.ts';
import { ImageCatalog } from '../groups/topic-catalog.ts';

export interface CoordinationDeps {
  readonly host: Host;
  readonly store: GroupStore;
  readonly partitions: LocalPartitions;
  readonly settings: BrokerSettings;
  readonly background: Background;
  readonly layers: () => BrokerConfigLayers;
  /** Waits for a store that is away. */
  readonly patiently: <T>(attempt: () => Promise<T>) => Promise<T>;
}

export class Coordination {
  readonly groups: GroupCoordinator;
  readonly offsetsTopic: OffsetsTopic;
  readonly #shards: number;

  private constructor(deps: CoordinationDeps, shards: number) {
    const { host, store, partitions, settings, background, layers } = deps;
    const { clock, random, logger, meter } = host;
    const { groups: config } = settings;
    this.#shards = shards;
    this.offsetsTopic = new OffsetsTopic({
      partitions,
      layers,
      shards,
      now: () => clock.monotonic(),
      logger,
      background,
    });
    this.groups = new GroupCoordinator({
      clock,
      random,
      logger,
      meter,
      store,
      writer: this.offsetsTopic,
      catalog: new ImageCatalog(() => partitions.image),
      config,
      overridesOf: (groupId) => groupOverrides(partitions.image.groupConfigs.get(groupId), layers),
      shards,
    });
  }

  /** The groups of the image that `partitions` serve. */
  static async create(deps: CoordinationDeps): Promise<Coordination> {
    const { host, store, partitions, settings, patiently } = deps;
    const { shards, warning } = chooseGroupShards({
      stored: await patiently(() => store.shards()),
      topic: partitions.image.topics.get(OFFSETS_TOPIC)?.partitions.length,
      setting: settings.groupShards,
    });
    if (warning) host.logger.warn({}, warning);
    return new Coordination(deps, shards);
  }

  /** Resolves when every shard is served. @throws the signal's reason */
  async start(aborted: AbortSignal): Promise<void> {
    const giveUp = (): void => void this.groups.close();
    aborted.addEventListener('abort', giveUp, { once: true });
    try {
      aborted.throwIfAborted();
      await this.groups.start(Array.from({ length: this.#shards }, (_, shard) => shard));
      aborted.throwIfAborted();
    } finally {
      aborted.removeEventListener('abort', giveUp);
    }
  }
}
