// A transaction store whose database went back: the later states that the echo in `__transaction_state` has are stored again
// before the shard is served. A transaction whose commit was acknowledged is not aborted then, and a decided one is ended as
// it was decided.
//
// Promises: a transaction is restored if the echo has a state that follows the table's own, or of a transactional id that the
// table lacks, or of a later producer or epoch. Only where neither decides, the later time of change does. Offsets that are
// pending again are ended. Nothing is restored unless databaseWentBack was called: otherwise the table is the truth.
import { type Clock, type Logger, Offset, partitionName } from '@milepost/core';
import { batchesOf } from '@milepost/records';
import { OFFSETS_TOPIC } from '@milepost/metadata';
import type { PartitionWriter } from '../../echo/partition-writer.ts';
import type { Leadership, ShardEpoch } from '../../runtime/shard-store.ts';
import type { AcquiredTransactions, TransactionEvent, TransactionStore } from '../model/store.ts';
import type { Transaction, TransactionState } from '../model/transaction.ts';
import { readTransaction, transactionRecord } from './transaction-records.ts';

export interface RestoringTransactionStoreDeps {
  readonly clock: Pick<Clock, 'after'>;
  readonly logger: Logger;
  readonly store: TransactionStore;
  readonly echo: Pick<PartitionWriter, 'read'>;
}

export class RestoringTransactionStore implements TransactionStore {
  readonly #deps: RestoringTransactionStoreDeps;
  readonly #behind = new Set<number>();

  constructor(deps: RestoringTransactionStoreDeps) {
    this.#deps = deps;
  }

  /** The next time that these shards are acquired, what the echo knows to be further is restored. */
  databaseWentBack(shards: Iterable<number>): void {
    for (const shard of shards) this.#behind.add(shard);
  }

  shards(): Promise<number> {
    return this.#deps.store.shards();
  }

  async acquire(shards: readonly number[], leadership?: Leadership): Promise<AcquiredTransactions> {
    const { store, logger } = this.#deps;
    const acquired = await store.acquire(shards, leadership);
    const behind = shards.filter((shard) => this.#behind.has(shard) && acquired.epochs.has(shard));
    if (behind.length === 0) return acquired;
    const transactions = new Map(acquired.transactions.map((one) => [one.transactionalId, one]));
    let restored = 0;
    for (const shard of behind) {
      const further = await this.#further(shard, transactions);
      const events = further.map((transaction): TransactionEvent => ({ type: 'transaction-stored', transaction }));
      const epoch = acquired.epochs.get(shard);
      if (epoch && events.length > 0) await store.persist(shard, epoch, events);
      for (const transaction of further) transactions.set(transaction.transactionalId, transaction);
      restored += further.length;
    }
    for (const shard of behind) this.#behind.delete(shard);
    if (restored > 0) logger.warn({ transactions: restored }, 'transactions are restored from __transaction_state');
    return { ...acquired, transactions: [...transactions.values()] };
  }

  persist(shard: number, epoch: ShardEpoch, events: readonly TransactionEvent[]): Promise<void> {
    return this.#deps.store.persist(shard, epoch, events);
  }

  /** The last state of each transactional id, where it is further than the known one. Reads a piece per turn of the loop. */
  async #further(shard: number, known: ReadonlyMap<string, Transaction>): Promise<Transaction[]> {
    const { clock, echo } = this.#deps;
    const last = new Map<string, Echoed>();
    for (let next = Offset(0); ; ) {
      const bytes = echo.read(shard, next);
      if (!bytes || bytes.length === 0) break;
      for (const batch of batchesOf(bytes)) {
        if (!batch.isControl) for (const { key, value } of batch.records()) if (key) remember(last, known, key, value);
        next = batch.nextOffset;
      }
      await new Promise<void>((resolve) => clock.after(0, resolve));
    }
    return [...last.values()]
      .filter(({ isFurther }) => isFurther)
      .map(({ transaction }) => endingPendingOffsets(transaction, known.get(transaction.transactionalId)));
  }
}

interface Echoed {
  readonly transaction: Transaction;
  readonly isFurther: boolean;
  /** It is the state that the table has, or comes behind it in the echo. */
  readonly hasReachedTable: boolean;
}

function remember(
  last: Map<string, Echoed>,
  known: ReadonlyMap<string, Transaction>,
  recordKey: Buffer,
  value: Buffer | null,
): void {
  const key = recordKey.toString('latin1');
  const transaction = value && readTransaction(recordKey, value);
  if (!transaction) return void last.delete(key);
  const table = known.get(transaction.transactionalId);
  const isInTable = table !== undefined && transactionRecord(table).value.equals(value);
  const followsTable = !isInTable && (last.get(key)?.hasReachedTable ?? false);
  const isFurther = !isInTable && (!table || followsTable || isLater(transaction, table));
  last.set(key, { transaction, isFurther, hasReachedTable: isInTable || followsTable });
}

/**
 * Offsets that were pending at the time of the table are pending again. Their transaction has ended, so no marker would reach
 * them, and clients that require stable offsets would wait forever: the restored transaction ends in their partitions too.
 */
function endingPendingOffsets(restored: Transaction, table: Transaction | undefined): Transaction {
  if (table?.producerId !== restored.producerId) return restored;
  const hasOwn = new Set(restored.partitions.map(({ topic, partition }) => partitionName(topic, partition)));
  const pending = table.partitions.filter(
    ({ topic, partition }) => topic === OFFSETS_TOPIC && !hasOwn.has(partitionName(topic, partition)),
  );
  if (pending.length === 0) return restored;
  return { ...restored, state: UNFINISHED[restored.state], partitions: [...restored.partitions, ...pending] };
}

/** The states in which markers are still to be written. */
const UNFINISHED: Readonly<Record<TransactionState, TransactionState>> = {
  Empty: 'PrepareAbort',
  Ongoing: 'Ongoing',
  PrepareCommit: 'PrepareCommit',
  PrepareAbort: 'PrepareAbort',
  CompleteCommit: 'PrepareCommit',
  CompleteAbort: 'PrepareAbort',
};

/** Producer ids and their epochs only grow. */
function isLater(one: Transaction, other: Transaction): boolean {
  if (one.producerId !== other.producerId) return one.producerId > other.producerId;
  if (one.producerEpoch !== other.producerEpoch) return one.producerEpoch > other.producerEpoch;
  return one.updatedAt > other.updatedAt;
}
