// The transaction coordinator of this broker and what it is built on: the topic that its clients find it by, in which nothing
// is echoed yet, producer ids, and the partitions that it ends transactions in.
import type { Background, Host } from '@milepost/core';
import { TransactionCoordinator, type TransactionStore } from '@milepost/coordinators';
import { type BrokerConfigLayers, StoreUnavailable, TRANSACTION_STATE_TOPIC } from '@milepost/metadata';
import type { ProducerIds } from '../admin/producer-ids.ts';
import type { BrokerSettings } from '../broker-config.ts';
import { chooseShards } from '../groups/coordinator-shards.ts';
import { InternalTopic } from '../groups/internal-topic.ts';
import type { LocalPartitions } from '../partitions/local-partitions.ts';
import { LocalMarkers } from '../transactions/local-markers.ts';
import type { TransactionalOffsets } from '../transactions/ports.ts';
import { loadedOrClosed } from './loaded-or-closed.ts';

export interface TransactionCoordinationDeps {
  readonly host: Host;
  readonly store: TransactionStore;
  readonly partitions: LocalPartitions;
  readonly offsets: TransactionalOffsets;
  readonly producerIds: Pick<ProducerIds, 'take'>;
  readonly settings: BrokerSettings;
  readonly background: Background;
  readonly layers: () => BrokerConfigLayers;
  /** Waits for a store that is away. */
  readonly patiently: <T>(attempt: () => Promise<T>) => Promise<T>;
}

export class TransactionCoordination {
  readonly coordinator: TransactionCoordinator;
  readonly stateTopic: InternalTopic;
  readonly #shards: readonly number[];

  private constructor(deps: TransactionCoordinationDeps, shards: number) {
    const { host, store, partitions, offsets, producerIds, settings, background, layers } = deps;
    const { clock, logger } = host;
    this.#shards = Array.from({ length: shards }, (_, shard) => shard);
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
    this.coordinator = new TransactionCoordinator({
      clock,
      logger,
      store,
      config: settings.transactions,
      shards,
      writer: new LocalMarkers(partitions, offsets),
      freshProducerId: async () => {
        try {
          return await producerIds.take();
        } catch (failure) {
          if (!(failure instanceof StoreUnavailable)) throw failure;
          return undefined;
        }
      },
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

  /** Resolves when every shard is served. @throws the signal's reason */
  async start(aborted: AbortSignal): Promise<void> {
    await loadedOrClosed(aborted, this.coordinator, () => this.coordinator.start(this.#shards));
  }

  /** The database went back under this broker: loads every shard again, as a start does. */
  reload(): Promise<void> {
    return this.coordinator.start(this.#shards);
  }
}
