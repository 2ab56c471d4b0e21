// The group coordinator of this broker and its surroundings: the topic in which it echoes, the catalog of topics, the
// configs of groups.
import type { Background, Host } from '@milepost/core';
import { GroupCoordinator, type GroupStore, RestoringGroupStore } from '@milepost/coordinators';
import { type BrokerConfigLayers, OFFSETS_TOPIC } from '@milepost/metadata';
import type { BrokerSettings } from '../broker-config.ts';
import type { LocalPartitions } from '../partitions/local-partitions.ts';
import { groupOverrides } from '../groups/group-overrides.ts';
import { chooseShards } from '../groups/coordinator-shards.ts';
import { InternalTopic } from '../groups/internal-topic.ts';
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
  readonly offsetsTopic: InternalTopic;
  readonly #store: RestoringGroupStore;
  readonly #shards: readonly number[];

  private constructor(deps: CoordinationDeps, shards: number) {
    const { host, store, partitions, settings, background, layers } = deps;
    const { clock, random, logger, meter } = host;
    const { groups: config } = settings;
    this.#shards = Array.from({ length: shards }, (_, shard) => shard);
    this.offsetsTopic = new InternalTopic({
      name: OFFSETS_TOPIC,
      settings: 'offsets.topic',
      partitions,
      layers,
      shards,
      now: () => clock.monotonic(),
      logger,
      background,
    });
    const catalog = new ImageCatalog(() => partitions.image);
    this.#store = new RestoringGroupStore({ clock, logger, store, echo: this.offsetsTopic, catalog });
    this.groups = new GroupCoordinator({
      clock,
      random,
      logger,
      meter,
      store: this.#store,
      writer: this.offsetsTopic,
      catalog,
      config,
      overridesOf: (groupId) => groupOverrides(partitions.image.groupConfigs.get(groupId), layers),
      shards,
    });
  }

  /** The groups of the image that `partitions` serve. */
  static async create(deps: CoordinationDeps): Promise<Coordination> {
    const { host, store, partitions, settings, patiently } = deps;
    const { shards, warning } = chooseShards({
      stored: await patiently(() => store.shards()),
      topic: partitions.image.topics.get(OFFSETS_TOPIC)?.partitions.length,
      setting: settings.groupShards,
      property: 'offsets.topic.num.partitions',
      contents: 'groups',
    });
    if (warning) host.logger.warn({}, warning);
    return new Coordination(deps, shards);
  }

  /**
   * Resolves when every shard is served. If the database went back, offsets that are further in `__consumer_offsets`
   * are restored first. @throws the signal's reason
   */
  async start(aborted: AbortSignal, { wentBack }: { readonly wentBack: boolean }): Promise<void> {
    if (wentBack) this.#store.databaseWentBack(this.#shards);
    const giveUp = (): void => void this.groups.close();
    aborted.addEventListener('abort', giveUp, { once: true });
    try {
      aborted.throwIfAborted();
      await this.groups.start(this.#shards);
      aborted.throwIfAborted();
    } finally {
      aborted.removeEventListener('abort', giveUp);
    }
  }

  /** The database went back while this broker runs: loads every shard again, as a start does. */
  async reload(): Promise<void> {
    this.#store.databaseWentBack(this.#shards);
    await this.groups.start(this.#shards);
  }
}
