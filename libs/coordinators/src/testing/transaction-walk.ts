// One random life of a transaction coordinator: producers of every transaction version, some of which are replaced or repeat
// themselves late, partitions that refuse their markers for a while, a store that is away or loses responses, kills.
// The partitions remember every write with the transaction that its producer meant; at the end all must agree.
import { ErrorCode, partitionName, silentLogger, type TopicPartition } from '@milepost/core';
import { ManualClock } from '../../../core/src/testing/manual-clock.ts';
import { MemoryTransactionStore } from '../transaction/memory-transaction-store.ts';
import { DEFAULT_TRANSACTION_CONFIG } from '../transaction/model/config.ts';
import type { MarkerOutcome, TransactionMarker } from '../transaction/model/markers.ts';
import type { TransactionVersion } from '../transaction/model/transaction.ts';
import { TransactionCoordinator, type TransactionCoordinatorDeps } from '../transaction/transaction-coordinator.ts';
import { MemoryPartitions } from './memory-partitions.ts';
import { SeededRandom } from './seeded-random.ts';
import { type Meant, type ProducersWorld, WalkProducer } from './walk-producer.ts';

const SHARDS = 3;
const PARTITIONS: readonly TopicPartition[] = [0, 1, 2].map((partition) => ({ topic: 't', partition }));
const STEPS = 120;

interface Write {
  readonly meant: Meant;
  readonly producerId: bigint;
  end: 'committed' | 'aborted' | undefined;
}

interface WalkPartition {
  readonly writes: Write[];
  readonly epochs: Map<bigint, number>;
}

export interface TransactionPlants {
  readonly make?: (deps: TransactionCoordinatorDeps) => TransactionCoordinator;
  /** Reported as written, but not. */
  readonly losesMarker?: (random: SeededRandom) => boolean;
}

export class TransactionWalk implements ProducersWorld {
  readonly clock = new ManualClock();
  readonly random: SeededRandom;
  readonly version: TransactionVersion;
  coordinator: TransactionCoordinator;
  readonly #plants: TransactionPlants;
  readonly #partitions = new Map(
    PARTITIONS.map(({ topic, partition }): [string, WalkPartition] => [
      partitionName(topic, partition),
      { writes: [], epochs: new Map() },
    ]),
  );
  #store = new MemoryTransactionStore();
  readonly #echo = new MemoryPartitions();
  #refusing: string | undefined;
  #nextProducerId = 0n;
  #connections = 0;

  /** The violations of the life of that seed. */
  static async live(seed: number, plants: TransactionPlants = {}): Promise<string[]> {
    const walk = new TransactionWalk(seed, plants);
    await walk.coordinator.start([...Array(SHARDS).keys()]);
    await walk.#live();
    return walk.#violations();
  }

  private constructor(seed: number, plants: TransactionPlants) {
    this.random = new SeededRandom(seed);
    this.#plants = plants;
    this.version = this.random.chance(0.5) ? 2 : 1;
    this.coordinator = this.#make();
  }

  connect(): number {
    this.#connections += 1;
    return this.#connections;
  }

  anyPartition(): TopicPartition {
    return PARTITIONS[this.random.below(PARTITIONS.length)] as TopicPartition;
  }

  /** The leader's own check: nothing of an epoch before the last marker's. */
  write(partition: TopicPartition, producerId: bigint, epoch: number, meant: Meant): void {
    const { writes, epochs } = this.#at(partition);
    if (epoch < (epochs.get(producerId) ?? -1)) return;
    epochs.set(producerId, epoch);
    writes.push({ meant, producerId, end: undefined });
  }

  async #live(): Promise<void> {
    const { random, clock } = this;
    const producers = ['a', 'b', 'c'].map((id) => new WalkProducer(this, id));
    for (let step = 0; step < STEPS; step++) {
      const producer = producers[random.below(producers.length)] as WalkProducer;
      producer.act();
      if (random.chance(0.03)) await this.#restart();
      if (random.chance(0.05)) this.#refusing = random.chance(0.5) ? partitionName('t', random.below(3)) : undefined;
      if (random.chance(0.08)) this.#store.health = (['well', 'away', 'forgetful'] as const)[random.below(3)] ?? 'well';
      await clock.advance(random.between(0, random.chance(0.1) ? 8_000 : 60));
    }
    this.#refusing = undefined;
    this.#store.health = 'well';
    for (const producer of producers) producer.leave();
    await clock.advance(120_000);
  }

  /** As after kill -9. */
  async #restart(): Promise<void> {
    void this.coordinator.close();
    const { health, table } = this.#store;
    this.#store = new MemoryTransactionStore(table);
    this.coordinator = this.#make();
    const started = this.coordinator.start([...Array(SHARDS).keys()]);
    await this.clock.advance(10);
    await started;
    this.#store.health = health;
  }

  #make(): TransactionCoordinator {
    const deps: TransactionCoordinatorDeps = {
      clock: this.clock,
      logger: silentLogger,
      store: this.#store,
      config: { ...DEFAULT_TRANSACTION_CONFIG, abortTimedOutIntervalMs: 1_000, version: this.version },
      shards: SHARDS,
      writer: { write: async (partition, marker) => this.#end(partition, marker) },
      echo: this.#echo,
      freshProducerId: async () => this.#nextProducerId++,
    };
    return this.#plants.make?.(deps) ?? new TransactionCoordinator(deps);
  }

  async #end(partition: TopicPartition, marker: TransactionMarker): Promise<MarkerOutcome> {
    await new Promise<void>((resolve) => this.clock.after(this.random.below(30), resolve));
    const { producerId, producerEpoch, isCommit } = marker;
    if (this.#refusing === partitionName(partition.topic, partition.partition)) return { later: 'it refuses' };
    if (this.#plants.losesMarker?.(this.random)) return 'written';
    const { writes, epochs } = this.#at(partition);
    if (producerEpoch < (epochs.get(producerId) ?? -1)) return 'obsolete';
    epochs.set(producerId, producerEpoch);
    for (const write of writes) if (write.producerId === producerId) write.end ??= isCommit ? 'committed' : 'aborted';
    return 'written';
  }

  #at({ topic, partition }: TopicPartition): WalkPartition {
    return this.#partitions.get(partitionName(topic, partition)) as WalkPartition;
  }

  #violations(): string[] {
    const writes = [...this.#partitions.values()].flatMap((partition) => partition.writes);
    const ends = new Map<Meant, Set<Write['end']>>();
    for (const { meant, end } of writes) ends.set(meant, (ends.get(meant) ?? new Set()).add(end));
    const torn = [...ends].flatMap(([meant, all]) => {
      const [end] = all;
      if (all.has(undefined)) return [`${meant.name} has no end`];
      if (all.size > 1) return [`${meant.name} is torn`];
      if (end === 'committed' && !meant.isCommitSent)
        return [`${meant.name} was committed, which nobody has requested`];
      return meant.told !== undefined && meant.told !== end ? [`${meant.name} is ${end}, told ${meant.told}`] : [];
    });
    const listed = this.coordinator.list({ states: [], producerIds: [], durationMs: -1, idPattern: null });
    const open = listed.transactions.filter(({ state }) => state === 'Ongoing' || state.startsWith('Prepare'));
    const stuck =
      listed.error === ErrorCode.NONE ? open.map((one) => `${one.transactionalId} is ${one.state}`) : ['lost'];
    return [...torn, ...stuck];
  }
}
