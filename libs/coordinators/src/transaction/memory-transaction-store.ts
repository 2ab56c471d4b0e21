// A transaction store in memory, for tests and the simulator. Several stores may share one table, as several processes share a
// database. A test can make it fail: away (refuses), forgetful (writes, then reports that it is away), slow.
import { epochOf, raiseEpochs } from '../runtime/memory-epochs.ts';
import {
  CoordinatorStoreUnavailable,
  fenceOf,
  type Leadership,
  type ShardEpoch,
  type ShardLeader,
} from '../runtime/shard-store.ts';
import type { AcquiredTransactions, TransactionEvent, TransactionStore } from './model/store.ts';
import type { Transaction } from './model/transaction.ts';

/** The data, which outlives a store as the tables of a database do. */
export class TransactionTable {
  readonly epochs = new Map<number, number>();
  readonly leaders = new Map<number, ShardLeader>();
  readonly transactions = new Map<string, { readonly shard: number; readonly transaction: Transaction }>();

  apply(shard: number, event: TransactionEvent): void {
    if (event.type === 'transaction-forgotten') this.transactions.delete(event.transactionalId);
    else this.transactions.set(event.transaction.transactionalId, { shard, transaction: event.transaction });
  }
}

export class MemoryTransactionStore implements TransactionStore {
  readonly table: TransactionTable;
  health: 'well' | 'away' | 'forgetful' = 'well';
  /** Each call waits for this first. */
  pace: () => Promise<void> = async () => {};

  constructor(table = new TransactionTable()) {
    this.table = table;
  }

  async shards(): Promise<number> {
    await this.#reach();
    return Math.max(-1, ...this.table.epochs.keys()) + 1;
  }

  async acquire(shards: readonly number[], leadership?: Leadership): Promise<AcquiredTransactions> {
    await this.#reach();
    const epochs = raiseEpochs(this.table, shards, leadership);
    const rows = [...this.table.transactions.values()].filter(({ shard }) => epochs.has(shard));
    return { epochs, transactions: rows.map(({ transaction }) => transaction) };
  }

  async persist(shard: number, epoch: ShardEpoch, events: readonly TransactionEvent[]): Promise<void> {
    await this.#reach();
    const fence = fenceOf(shard, { current: epochOf(this.table, shard), epoch });
    if (fence) throw fence;
    for (const event of events) this.table.apply(shard, event);
    if (this.health === 'forgetful') throw new CoordinatorStoreUnavailable('the response got lost');
  }

  async #reach(): Promise<void> {
    await this.pace();
    if (this.health === 'away') throw new CoordinatorStoreUnavailable('the transaction store is away');
  }
}
