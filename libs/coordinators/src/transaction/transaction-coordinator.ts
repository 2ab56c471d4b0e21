// The coordinator of transactions (KIP-98, KIP-890). It knows the producer of each transactional id, the partitions of its
// transaction, and whether that is committed. Responses are plain results. A failure of the store is a retriable
// error code in them, never a rejection.
//
// Promises: a response is sent after its change is stored. A transaction whose end was stored gets that end in every
// partition, through restarts, before the next one of its transactional id begins. An open transaction that lasts too long is
// aborted.
//
// While the last transaction is still completing, Kafka responds with CONCURRENT_TRANSACTIONS immediately. This coordinator
// first waits a moment for the markers, because the client would only retry.
import { type Cancel, type Clock, ErrorCode, type Logger, type Timestamp } from '@milepost/core';
import { TRANSACTION_STATE_TOPIC } from '@milepost/metadata';
import { Runtime } from '../runtime/runtime.ts';
import type { Shard } from '../runtime/shard.ts';
import type { Leadership, ShardStore } from '../runtime/shard-store.ts';
import { addPartitions, verifyPartitions } from './add-partitions.ts';
import { Echo } from '../echo/echo.ts';
import type { PartitionWriter } from '../echo/partition-writer.ts';
import { TransactionContent } from './echo/transaction-content.ts';
import { type Decided, NEEDS_PRODUCER_ID, type NeedsProducerId } from './decided.ts';
import { endTransaction, notEnded } from './end-transaction.ts';
import { abortByFencing } from './fence.ts';
import { initProducerId, notInitialized } from './init-producer-id.ts';
import { describe, listTransactions, undescribed, unlisted } from './list.ts';
import type * as commands from './model/commands.ts';
import type { TransactionConfig } from './model/config.ts';
import type { MarkerWriter } from './model/markers.ts';
import { type TransactionEvent, type TransactionStore, transactionalIdOf } from './model/store.ts';
import { bumpsEpochs, isCompleting, type Transaction } from './model/transaction.ts';
import { TransactionSlot } from './transaction-slot.ts';

/** How long a request waits for the last transaction's markers. */
const COMPLETION_PATIENCE_MS = 100;

export interface TransactionCoordinatorDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: TransactionStore;
  readonly config: TransactionConfig;
  /** How many shards all transactional ids are divided into. */
  readonly shards: number;
  readonly writer: MarkerWriter;
  /** The partitions of `__transaction_state`, for the echo. */
  readonly echo: PartitionWriter;
  /** An unused producer id; undefined if none can be allocated now. */
  readonly freshProducerId: () => Promise<bigint | undefined>;
  /** Another process has acquired a shard that this one owned, or wanted to acquire: the image here may be out of date. */
  readonly onDeposed?: (shard: number) => void;
}

export class TransactionCoordinator {
  readonly #clock: Clock;
  readonly #config: TransactionConfig;
  readonly #freshProducerId: () => Promise<bigint | undefined>;
  readonly #runtime: Runtime<TransactionSlot, TransactionEvent>;
  readonly #echo: Echo<Shard<TransactionSlot, TransactionEvent>, TransactionEvent>;
  #nextTimeOuts: Cancel | undefined;
  #nextExpiry: Cancel | undefined;
  #isClosed = false;

  constructor(deps: TransactionCoordinatorDeps) {
    const { clock, logger, store, config, shards, writer, freshProducerId, onDeposed } = deps;
    this.#clock = clock;
    this.#config = config;
    this.#freshProducerId = freshProducerId;
    const context = { config, logger, writer };
    const echo = new Echo<Shard<TransactionSlot, TransactionEvent>, TransactionEvent>({
      clock,
      logger,
      writer: deps.echo,
      topic: TRANSACTION_STATE_TOPIC,
      item: 'a transactional id',
      contentOf: (shard) => new TransactionContent(shard),
    });
    this.#echo = echo;
    this.#runtime = new Runtime({
      clock,
      logger,
      store: asShardStore(store),
      shards,
      ...(onDeposed && { onDeposed }),
      kind: {
        contents: 'transactions',
        keyOf: transactionalIdOf,
        createSlot: (transactionalId, host) => new TransactionSlot(transactionalId, context, host),
        loaded: (shard) => {
          echo.acquired(shard);
          for (const slot of shard.slots()) slot.resume();
        },
        // A decision is echoed before its markers: if the database loses it, the markers are not its only trace.
        persisted: (shard, events) => echo.stored(shard, events, events.some(isDecision)),
        resigned: (shard) => echo.resigned(shard),
      },
    });
  }

  /**
   * Acquires the shards, under the leadership of their partitions where there is one, and loads what they hold. Until then
   * requests to their transactional ids get COORDINATOR_LOAD_IN_PROGRESS; those of other shards are served.
   */
  async start(shards: readonly number[], leadership?: Leadership): Promise<void> {
    if (!this.#nextTimeOuts) this.#scheduleTimeOuts();
    if (!this.#nextExpiry) this.#scheduleExpiry();
    await this.#runtime.acquire(shards, leadership);
  }

  /** Another broker leads the shard's partition now. Pending requests complete with NOT_COORDINATOR. */
  resign(shard: number): void {
    this.#runtime.release(shard);
  }

  /** Whether requests to the shard's transactional ids are served here, or will be once they are loaded. */
  owns(shard: number): boolean {
    return this.#runtime.shards()[shard]?.state.is !== 'unowned';
  }

  /** Topics have changed: `__transaction_state` may exist now. */
  topicsChanged(): void {
    this.#echo.catchUp();
  }

  /** The partition of `__transaction_state` whose leader coordinates the transactional id. */
  shardOf(transactionalId: string): number {
    return this.#runtime.shardOf(transactionalId).index;
  }

  /** A producer begins, or continues after an error. */
  initProducerId(command: commands.InitProducerIdCommand): Promise<commands.InitProducerIdResult> {
    const { transactionalId, timeoutMs } = command;
    if (timeoutMs <= 0 || timeoutMs > this.#config.maxTimeoutMs)
      return Promise.resolve(notInitialized(ErrorCode.INVALID_TRANSACTION_TIMEOUT));
    const { version } = this.#config;
    return this.#patiently(transactionalId, notInitialized, () =>
      this.#withProducerId(
        transactionalId,
        ({ transaction }, now, freshProducerId) =>
          initProducerId(transaction, command, { now, version, freshProducerId }),
        notInitialized,
      ),
    );
  }

  /** All of the partitions or none. */
  async addPartitions(command: commands.AddPartitionsCommand): Promise<ErrorCode> {
    const { transactionalId, connection } = command;
    const { error } = await this.#patiently(transactionalId, asResult, async () => {
      const slot = this.#slot(transactionalId);
      const response = await slot.submit(
        (now) => addPartitions(slot.transaction, command, now),
        (refusal) => refusal,
        (applied) => {
          if (applied === ErrorCode.NONE) slot.addedOver(connection);
        },
      );
      return { error: response };
    });
    return error;
  }

  /** Whether the producer may write to the partitions, in their order. */
  verifyPartitions(command: commands.VerifyPartitionsCommand): ErrorCode[] {
    const { transactionalId, partitions } = command;
    const error = this.#errorOf(transactionalId);
    if (error !== ErrorCode.NONE) return partitions.map(() => error);
    return verifyPartitions(this.#find(transactionalId)?.transaction, command);
  }

  /** Resolves when the decision is stored; the markers follow. */
  endTransaction(command: commands.EndTransactionCommand): Promise<commands.EndTransactionResult> {
    const { transactionalId } = command;
    return this.#patiently(transactionalId, notEnded, () =>
      this.#withProducerId(
        transactionalId,
        (slot, now, freshProducerId) => {
          const isLate = !bumpsEpochs(command.clientVersion) && slot.isLate(command.connection);
          if (isLate) return { response: notEnded(ErrorCode.INVALID_TXN_STATE) };
          return endTransaction(slot.transaction, command, { now, freshProducerId });
        },
        notEnded,
      ),
    );
  }

  describe(transactionalIds: readonly string[]): commands.DescribedTransaction[] {
    return transactionalIds.map((transactionalId) => {
      const error = this.#errorOf(transactionalId);
      if (error !== ErrorCode.NONE) return undescribed(transactionalId, error);
      return describe(transactionalId, this.#find(transactionalId));
    });
  }

  list(command: commands.ListTransactionsCommand): commands.ListTransactionsResult {
    if (this.#isClosed) return unlisted(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const shards = this.#runtime.shards();
    if (shards.some(({ error }) => error === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS))
      return unlisted(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    const transactions = this.#slots().flatMap(({ transaction }) => transaction ?? []);
    return listTransactions(transactions, command, this.#clock.now() as Timestamp);
  }

  /** Completes all pending requests. Resolves when no write is in progress. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#nextTimeOuts?.();
    this.#nextExpiry?.();
    this.#echo.close();
    await this.#runtime.close();
  }

  /** Decides again, once, when the previous transaction is complete. */
  async #patiently<Result extends { readonly error: ErrorCode }>(
    transactionalId: string,
    failed: (error: ErrorCode) => Result,
    attempt: () => Promise<Result>,
  ): Promise<Result> {
    const once = async (): Promise<Result> => {
      const error = this.#errorOf(transactionalId);
      return error === ErrorCode.NONE ? attempt() : failed(error);
    };
    const first = await once();
    if (first.error !== ErrorCode.CONCURRENT_TRANSACTIONS) return first;
    const slot = this.#find(transactionalId);
    await slot?.settled(COMPLETION_PATIENCE_MS);
    const isStillCompleting = slot?.transaction && isCompleting(slot.transaction);
    return isStillCompleting ? first : once();
  }

  /** Decides in the id's queue; again, with a new producer id, if the decision turns out to need one. */
  async #withProducerId<Result>(
    transactionalId: string,
    decide: (
      slot: TransactionSlot,
      now: Timestamp,
      freshProducerId: bigint | undefined,
    ) => Decided<Result> | NeedsProducerId,
    failed: (error: ErrorCode) => Result,
  ): Promise<Result> {
    for (let freshProducerId: bigint | undefined; ; ) {
      const error = this.#errorOf(transactionalId);
      if (error !== ErrorCode.NONE) return failed(error);
      const taken = freshProducerId;
      const slot = this.#slot(transactionalId);
      const response = await slot.submit<Result | NeedsProducerId>((now) => {
        const decided = decide(slot, now, taken);
        return decided === NEEDS_PRODUCER_ID ? { response: NEEDS_PRODUCER_ID } : decided;
      }, failed);
      if (response !== NEEDS_PRODUCER_ID) return response as Result;
      freshProducerId = await this.#freshProducerId();
      if (freshProducerId === undefined) return failed(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    }
  }

  #errorOf(transactionalId: string): ErrorCode {
    if (transactionalId === '') return ErrorCode.INVALID_REQUEST;
    return this.#isClosed ? ErrorCode.COORDINATOR_NOT_AVAILABLE : this.#runtime.shardOf(transactionalId).error;
  }

  #find(transactionalId: string): TransactionSlot | undefined {
    return this.#runtime.shardOf(transactionalId).find(transactionalId);
  }

  #slot(transactionalId: string): TransactionSlot {
    return this.#runtime.shardOf(transactionalId).slot(transactionalId);
  }

  #slots(): TransactionSlot[] {
    return this.#activeShards().flatMap((shard) => [...shard.slots()]);
  }

  #activeShards(): Shard<TransactionSlot, TransactionEvent>[] {
    return this.#runtime.shards().filter(({ error }) => error === ErrorCode.NONE);
  }

  #scheduleTimeOuts(): void {
    if (this.#isClosed) return;
    this.#nextTimeOuts = this.#clock.after(this.#config.abortTimedOutIntervalMs, () => {
      for (const slot of this.#slots()) if (slot.isTimedOut) void this.#abortTimedOut(slot);
      this.#scheduleTimeOuts();
    });
  }

  /** The next check finds again what the store refuses now. */
  async #abortTimedOut(slot: TransactionSlot): Promise<void> {
    const { version } = this.#config;
    await this.#withProducerId(
      slot.transactionalId,
      ({ transaction, isTimedOut }, now, freshProducerId) => {
        const nothing = { response: ErrorCode.NONE };
        if (!transaction || transaction.state !== 'Ongoing' || !isTimedOut) return nothing;
        const next = abortByFencing(transaction, { now, version, freshProducerId });
        return next === NEEDS_PRODUCER_ID ? next : { ...nothing, next };
      },
      (error) => error,
    );
  }

  #scheduleExpiry(): void {
    if (this.#isClosed) return;
    this.#nextExpiry = this.#clock.after(this.#config.removeExpiredIntervalMs, () => {
      const now = this.#clock.now() as Timestamp;
      for (const slot of this.#slots())
        if (slot.transaction && this.#isExpired(slot.transaction, now))
          void slot.forget((transaction, when) => this.#isExpired(transaction, when));
      this.#scheduleExpiry();
    });
  }

  #isExpired({ state, updatedAt }: Transaction, now: Timestamp): boolean {
    const isAtRest = state === 'Empty' || state === 'CompleteCommit' || state === 'CompleteAbort';
    return isAtRest && now - updatedAt >= this.#config.idExpirationMs;
  }
}

const isDecision = (event: TransactionEvent): boolean =>
  event.type === 'transaction-stored' && isCompleting(event.transaction);

const asResult = (error: ErrorCode): { readonly error: ErrorCode } => ({ error });

const asShardStore = (store: TransactionStore): ShardStore<TransactionEvent> => ({
  acquire: async (shards, leadership) => {
    const { epochs, transactions } = await store.acquire(shards, leadership);
    return {
      epochs,
      events: transactions.map((transaction): TransactionEvent => ({ type: 'transaction-stored', transaction })),
    };
  },
  persist: (shard, epoch, events) => store.persist(shard, epoch, events),
});
