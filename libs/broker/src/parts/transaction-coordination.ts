// The transaction coordinator of this broker and what it is built on: the topic whose leaders it follows and in which it
// echoes, producer ids, and the partitions that it ends transactions in, here and on other brokers.
import type { Background, BrokerId, Host } from '@milepost/core';
import { RestoringTransactionStore, TransactionCoordinator, type TransactionStore } from '@milepost/coordinators';
import {
  type BrokerConfigLayers,
  type ClusterImage,
  StoreUnavailable,
  TRANSACTION_STATE_TOPIC,
} from '@milepost/metadata';
import type { ProducerIds } from '../admin/producer-ids.ts';
import type { BrokerSettings } from '../broker-config.ts';
import { chooseShards } from '../groups/coordinator-shards.ts';
import { InternalTopic } from '../groups/internal-topic.ts';
import { LedShards } from '../groups/led-shards.ts';
import type { InterBroker } from '../network/inter-broker.ts';
import type { LocalPartitions } from '../partitions/local-partitions.ts';
import { CoordinatedVerifier } from '../transactions/coordinated-verifier.ts';
import { LocalMarkers } from '../transactions/local-markers.ts';
import { Peers } from '../transactions/peers.ts';
import type { TransactionalOffsets, TransactionVerifier } from '../transactions/ports.ts';
import { RoutedMarkers } from '../transactions/routed-markers.ts';
import { withFreshImage } from './fresh-image.ts';
import { loadedOrClosed } from './loaded-or-closed.ts';

export interface TransactionCoordinationDeps {
  readonly host: Host;
  readonly store: TransactionStore;
  readonly brokerId: BrokerId;
  readonly interBroker: InterBroker;
  readonly partitions: LocalPartitions;
  readonly offsets: TransactionalOffsets;
  readonly producerIds: Pick<ProducerIds, 'take'>;
  readonly settings: BrokerSettings;
  readonly background: Background;
  readonly layers: () => BrokerConfigLayers;
  /** Waits for a store that is away. */
  readonly patiently: <T>(attempt: () => Promise<T>) => Promise<T>;
  /** Resolves when the image is as the metadata store has it now. @throws StoreUnavailable */
  readonly refresh: () => Promise<void>;
}

export class TransactionCoordination {
  readonly coordinator: TransactionCoordinator;
  readonly stateTopic: InternalTopic;
  readonly verifier: TransactionVerifier;
  /** Of the partitions led here. */
  readonly markers: LocalMarkers;
  readonly #store: RestoringTransactionStore;
  readonly #peers: Peers;
  readonly #led: LedShards;
  readonly #partitions: LocalPartitions;
  readonly #background: Background;
  readonly #shards: readonly number[];

  private constructor(deps: TransactionCoordinationDeps, shards: number) {
    const {
      host,
      store,
      brokerId,
      interBroker,
      partitions,
      offsets,
      producerIds,
      settings,
      background,
      layers,
      refresh,
    } = deps;
    const { clock, logger } = host;
    this.#partitions = partitions;
    this.#background = background;
    this.#shards = Array.from({ length: shards }, (_, shard) => shard);
    const image = (): ClusterImage => partitions.image;
    this.stateTopic = new InternalTopic({
      name: TRANSACTION_STATE_TOPIC,
      settings: 'transaction.state.log',
      partitions,
      layers,
      shards,
      now: () => clock.monotonic(),
      logger,
      background,
    });
    this.#peers = new Peers({ brokerId, image, interBroker });
    this.markers = new LocalMarkers(partitions, offsets);
    this.#store = new RestoringTransactionStore({
      clock,
      logger,
      store: {
        shards: () => store.shards(),
        // A partition that the former owner has added must not be taken for a deleted one, and the image may show that the
        // database went back.
        acquire: (some, leadership) => withFreshImage(() => store.acquire(some, leadership), refresh),
        persist: (shard, epoch, events) => store.persist(shard, epoch, events),
      },
      echo: this.stateTopic,
    });
    this.coordinator = new TransactionCoordinator({
      clock,
      logger,
      store: this.#store,
      echo: this.stateTopic,
      config: settings.transactions,
      shards,
      writer: new RoutedMarkers({ brokerId, image, local: this.markers, peers: this.#peers }),
      freshProducerId: async () => {
        try {
          return await producerIds.take();
        } catch (failure) {
          if (!(failure instanceof StoreUnavailable)) throw failure;
          return undefined;
        }
      },
      onDeposed: () => this.#led.deposed(),
    });
    this.verifier = new CoordinatedVerifier({ brokerId, image, coordinator: this.coordinator, peers: this.#peers });
    this.#led = new LedShards({
      clock,
      background,
      brokerId,
      topicName: TRANSACTION_STATE_TOPIC,
      shards,
      owner: this.coordinator,
      image,
    });
  }

  static async create(deps: TransactionCoordinationDeps): Promise<TransactionCoordination> {
    const { host, store, partitions, settings, patiently } = deps;
    const { shards, warning } = chooseShards({
      stored: await patiently(() => store.shards()),
      topic: partitions.image.topics.get(TRANSACTION_STATE_TOPIC)?.partitions.length,
      setting: settings.transactionShards,
      property: 'transaction.state.log.num.partitions',
      contents: 'transactional ids',
    });
    if (warning) host.logger.warn({}, warning);
    return new TransactionCoordination(deps, shards);
  }

  /** The next time that shards are acquired, transactions that are further in `__transaction_state` are restored first. */
  databaseWentBack(): void {
    this.#store.databaseWentBack(this.#shards);
  }

  /** A newer image is served here: acquires and resigns shards as leaders have moved. */
  follow(): void {
    this.coordinator.topicsChanged();
    this.#peers.follow(this.#partitions.image);
    this.#background.run('following the leaders of transactions', () => this.#led.follow());
  }

  /** Resolves when every shard that this broker has by its image is served. @throws the signal's reason */
  async loaded(aborted: AbortSignal): Promise<void> {
    await loadedOrClosed(aborted, this.coordinator, () => this.#led.follow());
  }

  /** The database went back while this broker runs: loads every shard again, as a start does. */
  async reload(): Promise<void> {
    this.databaseWentBack();
    await this.#led.followAnew();
  }

  async close(): Promise<void> {
    this.#led.close();
    this.#peers.close();
    await this.coordinator.close();
  }
}
