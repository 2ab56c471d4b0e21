// A producer of one transactional id in a random life. It requests one thing at a time, gives requests up, connects again,
// repeats itself late, and is now and then replaced by another process, while it goes on as a zombie for a while.
import { type Clock, ErrorCode, type TopicPartition } from '@milepost/core';
import type { TransactionVersion } from '../transaction/model/transaction.ts';
import type { TransactionCoordinator } from '../transaction/transaction-coordinator.ts';
import type { SeededRandom } from './seeded-random.ts';

const PATIENCE_MS = 2_000;

/** What a producer meant by its transaction. */
export interface Meant {
  readonly name: string;
  isCommitSent: boolean;
  /** What it was told; undefined: nothing, or an error. */
  told: 'committed' | 'aborted' | undefined;
}

/** The life that a producer is part of. */
export interface ProducersWorld {
  readonly clock: Pick<Clock, 'after'>;
  readonly random: SeededRandom;
  readonly version: TransactionVersion;
  readonly coordinator: TransactionCoordinator;
  /** A new connection's number. */
  connect(): number;
  anyPartition(): TopicPartition;
  write(partition: TopicPartition, producerId: bigint, producerEpoch: number, meant: Meant): void;
}

export class WalkProducer {
  readonly #walk: ProducersWorld;
  readonly #transactionalId: string;
  readonly #clientVersion: TransactionVersion;
  #producerId = -1n;
  #producerEpoch = -1;
  #connection: number;
  #isReady = false;
  #isBusy = false;
  #isGone = false;
  #transactions = 0;
  #meant: Meant | undefined;
  /** The end that was requested, until it was answered well. */
  #ending: boolean | undefined;

  constructor(walk: ProducersWorld, transactionalId: string, clientVersion?: TransactionVersion) {
    this.#walk = walk;
    this.#transactionalId = transactionalId;
    this.#clientVersion = clientVersion ?? (walk.version === 2 && walk.random.chance(0.6) ? 2 : 1);
    this.#connection = walk.connect();
  }

  /** Nothing is done from now on; what is open times out. */
  leave(): void {
    this.#isGone = true;
  }

  act(): void {
    if (this.#isBusy || this.#isGone) return;
    this.#isBusy = true;
    void this.#next().finally(() => {
      this.#isBusy = false;
    });
  }

  #next(): Promise<void> {
    const { random } = this.#walk;
    if (!this.#isReady) return this.#init();
    if (this.#ending !== undefined) return this.#end(this.#ending);
    if (random.chance(0.03)) this.#becomeAnotherProcess();
    if (!this.#isReady) return this.#init();
    if (!this.#meant || random.chance(0.6)) return this.#write();
    return this.#end(random.chance(0.7));
  }

  async #init(): Promise<void> {
    const command = { transactionalId: this.#transactionalId, timeoutMs: 10_000, expected: undefined };
    const result = await this.#within(this.#walk.coordinator.initProducerId(command));
    if (result?.error !== ErrorCode.NONE) return;
    this.#become(result);
    this.#isReady = true;
  }

  async #write(): Promise<void> {
    const walk = this.#walk;
    const partition = walk.anyPartition();
    this.#transactions += this.#meant ? 0 : 1;
    const meant = (this.#meant ??= {
      name: `${this.#transactionalId} ${this.#producerId} ${this.#producerEpoch} ${this.#transactions}`,
      isCommitSent: false,
      told: undefined,
    });
    const { producerId, producerEpoch } = this.#fields;
    const error = await this.#within(walk.coordinator.addPartitions({ ...this.#fields, partitions: [partition] }));
    if (error === ErrorCode.NONE) {
      const [verdict] = walk.coordinator.verifyPartitions({ ...this.#fields, partitions: [partition] });
      if (verdict === ErrorCode.NONE) walk.write(partition, producerId, producerEpoch, meant);
    } else if (error !== undefined && !isRetriable(error)) this.#restart();
  }

  async #end(isCommit: boolean): Promise<void> {
    const walk = this.#walk;
    const meant = this.#meant as Meant;
    if (isCommit) meant.isCommitSent = true;
    this.#ending = isCommit;
    const command = { ...this.#fields, isCommit };
    if (walk.random.chance(0.15)) this.#sendLate(command);
    const result = await this.#within(walk.coordinator.endTransaction(command));
    if (!result || isRetriable(result.error)) return;
    if (result.error === ErrorCode.NONE) {
      meant.told = isCommit ? 'committed' : 'aborted';
      if (result.producerEpoch >= 0) this.#become(result);
      this.#meant = undefined;
      this.#ending = undefined;
    } else this.#restart();
  }

  /** The request is delayed in the network; meanwhile the client connects again and repeats it. */
  #sendLate(command: Parameters<ProducersWorld['coordinator']['endTransaction']>[0]): void {
    const walk = this.#walk;
    this.#connection = walk.connect();
    const { coordinator } = walk; // its connections end with it
    walk.clock.after(walk.random.below(3_000), () => void coordinator.endTransaction(command));
  }

  /** After a fatal error, as an application does. */
  #restart(): void {
    this.#isReady = false;
    this.#meant = undefined;
    this.#ending = undefined;
    this.#connection = this.#walk.connect();
  }

  /** The former one goes on for a moment, and is to be refused. */
  #becomeAnotherProcess(): void {
    const zombie = new WalkProducer(this.#walk, this.#transactionalId, this.#clientVersion);
    zombie.#become(this.#fields);
    zombie.#isReady = true;
    zombie.#meant = this.#meant;
    for (const delayMs of [500, 1_500])
      this.#walk.clock.after(delayMs, () => {
        if (zombie.#isReady) zombie.act();
      });
    this.#restart();
  }

  #become({ producerId, producerEpoch }: { readonly producerId: bigint; readonly producerEpoch: number }): void {
    this.#producerId = producerId;
    this.#producerEpoch = producerEpoch;
  }

  get #fields() {
    return {
      transactionalId: this.#transactionalId,
      producerId: this.#producerId,
      producerEpoch: this.#producerEpoch,
      clientVersion: this.#clientVersion,
      connection: this.#connection,
    };
  }

  /** Undefined when the client gives the request up; it connects again then. */
  #within<Result>(request: Promise<Result>): Promise<Result | undefined> {
    const walk = this.#walk;
    return new Promise((resolve) => {
      const cancel = walk.clock.after(PATIENCE_MS, () => {
        this.#connection = walk.connect();
        resolve(undefined);
      });
      void request.then((result) => {
        cancel();
        resolve(result);
      });
    });
  }
}

const RETRIABLE: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.NOT_COORDINATOR,
]);
const isRetriable = (error: ErrorCode): boolean => RETRIABLE.has(error);
