// The group coordinator of this broker and its surroundings: the topic in which it echoes, the catalog of topics, the
// configs of groups.
import type { Background, BrokerId, Host } from '@milepost/core';
import { GroupCoordinator, type GroupStore, RestoringGroupStore } from '@milepost/coordinators';
import { type BrokerConfigLayers, OFFSETS_TOPIC } from '@milepost/metadata';
import type { BrokerSettings } from '../broker-config.ts';
import type { LocalPartitions } from '../partitions/local-partitions.ts';
import { groupOverrides } from '../groups/group-overrides.ts';
import { chooseShards } from '../groups/coordinator-shards.ts';
import { InternalTopic } from '../groups/internal-topic.ts';
import { LedShards } from '../groups/led-shards.ts';
import { ImageCatalog } from '../groups/topic-catalog.ts';
import { withFreshImage } from './fresh-image.ts';
import { loadedOrClosed } from './loaded-or-closed.ts';

export interface CoordinationDeps {
  readonly host: Host;
  readonly store: GroupStore;
  readonly brokerId: BrokerId;
  readonly partitions: LocalPartitions;
  readonly settings: BrokerSettings;
  readonly background: Background;
  readonly layers: () => BrokerConfigLayers;
  /** Waits for a store that is away. */
  readonly patiently: <T>(attempt: () => Promise<T>) => Promise<T>;
  /** Resolves when the image is as the metadata store has it now. @throws StoreUnavailable */
  readonly refresh: () => Promise<void>;
}

export class Coordination {
  readonly groups: GroupCoordinator;
  readonly offsetsTopic: InternalTopic;
  readonly #store: RestoringGroupStore;
  readonly #led: LedShards;
  readonly #background: Background;
  readonly #shards: readonly number[];

  private constructor(deps: CoordinationDeps, shards: number) {
    const { host, store, brokerId, partitions, settings, background, layers, refresh } = deps;
    const { clock, random, logger, meter } = host;
    this.#background = background;
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
      store: {
        shards: () => this.#store.shards(),
        acquire: (some, leadership) => withFreshImage(() => this.#store.acquire(some, leadership), refresh),
        persist: (shard, epoch, events) => this.#store.persist(shard, epoch, events),
      },
      writer: this.offsetsTopic,
      catalog,
      config,
      overridesOf: (groupId) => groupOverrides(partitions.image.groupConfigs.get(groupId), layers),
      shards,
      onDeposed: () => this.#led.deposed(),
    });
    this.#led = new LedShards({
      clock,
      background,
      brokerId,
      topicName: OFFSETS_TOPIC,
      shards,
      owner: this.groups,
      image: () => partitions.image,
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

  /** The next time that shards are acquired, offsets that are further in `__consumer_offsets` are restored first. */
  databaseWentBack(): void {
    this.#store.databaseWentBack(this.#shards);
  }

  /** A newer image is served here: acquires and resigns shards as leaders have moved. */
  follow(): void {
    this.#background.run('following the leaders of groups', () => this.#led.follow());
  }

  /** Resolves when every shard that this broker has by its image is served. @throws the signal's reason */
  async loaded(aborted: AbortSignal): Promise<void> {
    await loadedOrClosed(aborted, this.groups, () => this.#led.follow());
  }

  /** The database went back while this broker runs: loads every shard again, as a start does. */
  async reload(): Promise<void> {
    this.databaseWentBack();
    await this.#led.followAnew();
  }

  async close(): Promise<void> {
    this.#led.close();
    await this.groups.close();
  }
}
