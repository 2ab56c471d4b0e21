// A transaction coordinator on a manual clock, with a store in memory and partitions that remember their markers.
import { type ErrorCode, type Logger, partitionName, silentLogger, type TopicPartition } from '@milepost/core';
import { ManualClock } from '../../../core/src/testing/manual-clock.ts';
import { MemoryTransactionStore } from '../transaction/memory-transaction-store.ts';
import type {
  DescribedTransaction,
  EndTransactionResult,
  InitProducerIdResult,
} from '../transaction/model/commands.ts';
import { DEFAULT_TRANSACTION_CONFIG, type TransactionConfig } from '../transaction/model/config.ts';
import type { MarkerOutcome, TransactionMarker } from '../transaction/model/markers.ts';
import type { Transaction, TransactionVersion } from '../transaction/model/transaction.ts';
import { TransactionCoordinator } from '../transaction/transaction-coordinator.ts';
import { MemoryPartitions } from './memory-partitions.ts';

const SHARDS = Array.from({ length: 50 }, (_, shard) => shard);

export const T0 = { topic: 't', partition: 0 };
export const T1 = { topic: 't', partition: 1 };

export interface WrittenMarker extends TransactionMarker {
  readonly partition: string;
}

export class TransactionHarness {
  readonly clock = new ManualClock();
  readonly config: TransactionConfig;
  readonly markers: WrittenMarker[] = [];
  readonly lines: string[] = [];
  store = new MemoryTransactionStore();
  /** `__transaction_state`. */
  readonly partitions = new MemoryPartitions();
  coordinator: TransactionCoordinator;
  /** What a partition makes of a marker; by default it is written. */
  outcomeOf: (name: string, marker: TransactionMarker) => MarkerOutcome | Promise<MarkerOutcome> = () => 'written';
  /** The next id that is given out; undefined: none can be had. */
  nextProducerId: bigint | undefined = 100n;

  private constructor(config: Partial<TransactionConfig>) {
    this.config = { ...DEFAULT_TRANSACTION_CONFIG, ...config };
    this.coordinator = this.#make();
  }

  static async start(config: Partial<TransactionConfig> = {}): Promise<TransactionHarness> {
    const harness = new TransactionHarness(config);
    await harness.coordinator.start(SHARDS);
    return harness;
  }

  /** As after kill -9: the next coordinator finds what the store has. */
  async restart(): Promise<void> {
    void this.coordinator.close();
    this.store = new MemoryTransactionStore(this.store.table);
    this.coordinator = this.#make();
    await this.coordinator.start(SHARDS);
    await this.clock.advance(0);
  }

  producer(clientVersion: TransactionVersion, transactionalId = 'x'): TestProducer {
    return new TestProducer(this, transactionalId, clientVersion);
  }

  state(transactionalId = 'x'): DescribedTransaction {
    return this.coordinator.describe([transactionalId])[0] as DescribedTransaction;
  }

  /** As the next coordinator would find it. */
  stored(transactionalId = 'x'): Transaction {
    return this.store.table.transactions.get(transactionalId)?.transaction as Transaction;
  }

  #make(): TransactionCoordinator {
    const { clock, store, config, partitions: echo } = this;
    const line = (_: unknown, message?: string): void => void this.lines.push(message ?? '');
    const logger: Logger = { ...silentLogger, warn: line, error: line };
    return new TransactionCoordinator({
      clock,
      logger,
      store,
      config,
      shards: SHARDS.length,
      echo,
      writer: {
        write: async ({ topic, partition }, marker) => {
          const name = partitionName(topic, partition);
          const outcome = await this.outcomeOf(name, marker);
          if (outcome === 'written') this.markers.push({ partition: name, ...marker });
          return outcome;
        },
      },
      freshProducerId: async () => (this.nextProducerId === undefined ? undefined : this.nextProducerId++),
    });
  }
}

/** A producer of one transactional id; it goes on in the epochs that the coordinator gives it. */
export class TestProducer {
  readonly transactionalId: string;
  readonly clientVersion: TransactionVersion;
  producerId = -1n;
  producerEpoch = -1;
  timeoutMs = 60_000;
  connection: number | undefined;
  readonly #harness: TransactionHarness;

  constructor(harness: TransactionHarness, transactionalId: string, clientVersion: TransactionVersion) {
    this.#harness = harness;
    this.transactionalId = transactionalId;
    this.clientVersion = clientVersion;
  }

  /** `continues`: after an error, with the id and epoch that it has (KIP-360). */
  async init(continues = false): Promise<ErrorCode> {
    return (await this.requestInit(continues)).error;
  }

  async requestInit(continues = false): Promise<InitProducerIdResult> {
    const { transactionalId, timeoutMs, producerId, producerEpoch } = this;
    const expected = continues ? { producerId, producerEpoch } : undefined;
    const result = await this.#settled(
      this.#harness.coordinator.initProducerId({ transactionalId, timeoutMs, expected }),
    );
    if (result.error === 0) this.#become(result);
    return result;
  }

  add(...partitions: TopicPartition[]): Promise<ErrorCode> {
    return this.#settled(this.#harness.coordinator.addPartitions({ ...this.#fields, partitions }));
  }

  verify(...partitions: TopicPartition[]): ErrorCode[] {
    return this.#harness.coordinator.verifyPartitions({ ...this.#fields, partitions });
  }

  commit(): Promise<ErrorCode> {
    return this.end(true);
  }

  abort(): Promise<ErrorCode> {
    return this.end(false);
  }

  /** Takes the response, and with it the next epoch. */
  async end(isCommit: boolean): Promise<ErrorCode> {
    const result = await this.requestEnd(isCommit);
    if (result.error === 0 && result.producerEpoch >= 0) this.#become(result);
    return result.error;
  }

  /** As `end`, but the response is lost to the producer. */
  requestEnd(isCommit: boolean): Promise<EndTransactionResult> {
    return this.#settled(this.#harness.coordinator.endTransaction({ ...this.#fields, isCommit }));
  }

  /** A copy that goes on with what this one has now: a zombie, or a delayed request. */
  twin(): TestProducer {
    const twin = new TestProducer(this.#harness, this.transactionalId, this.clientVersion);
    twin.#become(this);
    twin.connection = this.connection;
    return twin;
  }

  #become({ producerId, producerEpoch }: { readonly producerId: bigint; readonly producerEpoch: number }): void {
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
  }

  get #fields() {
    const { transactionalId, producerId, producerEpoch, clientVersion, connection } = this;
    return {
      transactionalId,
      producerId,
      producerEpoch,
      clientVersion,
      ...(connection !== undefined && { connection }),
    };
  }

  /** Time passes until the request is answered. */
  async #settled<Result>(request: Promise<Result>): Promise<Result> {
    let isOver = false;
    const over = request.finally(() => {
      isOver = true;
    });
    for (let steps = 0; !isOver && steps < 1_000; steps++) await this.#harness.clock.advance(10);
    return over;
  }
}
