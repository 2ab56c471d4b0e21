// The store of transactions, as the coordinator needs it: PostgreSQL in production (libs/postgres), memory in tests and in the
// simulator; both pass transaction-store.contract.ts.
import type { Leadership, ShardEpoch } from '../../runtime/shard-store.ts';
import type { Transaction } from './transaction.ts';

export type TransactionEvent =
  | { readonly type: 'transaction-stored'; readonly transaction: Transaction }
  /** The transactional id expired. Absent is fine. */
  | { readonly type: 'transaction-forgotten'; readonly transactionalId: string };

export const transactionalIdOf = (event: TransactionEvent): string =>
  event.type === 'transaction-stored' ? event.transaction.transactionalId : event.transactionalId;

export interface TransactionStore {
  /**
   * How many shards the transactional ids of this store are divided into; 0 before any shard was acquired. It never
   * changes. @throws CoordinatorStoreUnavailable
   */
  shards(): Promise<number>;
  /**
   * Makes this process the owner of the shards (partitions of `__transaction_state`) and reads all that they hold. From
   * now on writes that carry an older epoch for them are refused. @throws CoordinatorStoreUnavailable
   */
  acquire(shards: readonly number[], leadership?: Leadership): Promise<AcquiredTransactions>;
  /**
   * Writes all of the events, in order, in one database transaction, or none. Concurrent calls share database transactions.
   * Resolves when the events are durable. Settles only once they can no longer land.
   * @throws CoordinatorStoreUnavailable (nothing was applied, or it is unknown), ShardFenced
   */
  persist(shard: number, epoch: ShardEpoch, events: readonly TransactionEvent[]): Promise<void>;
}

export interface AcquiredTransactions {
  /** By shard. */
  readonly epochs: ReadonlyMap<number, ShardEpoch>;
  /** In any order. */
  readonly transactions: readonly Transaction[];
}
