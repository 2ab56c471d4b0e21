// What a shard of transactional ids holds, as records of `__transaction_state`: one for each id.
import type { EchoedContent } from '../../echo/echo.ts';
import type { EchoRecord } from '../../echo/topic-state.ts';
import { type TransactionEvent, transactionalIdOf } from '../model/store.ts';
import type { Transaction } from '../model/transaction.ts';
import { transactionKey, transactionRecord } from './transaction-records.ts';

/** A shard of transactional ids, as the echo reads it. */
export interface EchoedTransactions {
  slots(): Iterable<{ readonly transaction: Transaction | undefined }>;
}

export class TransactionContent implements EchoedContent<TransactionEvent> {
  readonly #shard: EchoedTransactions;

  constructor(shard: EchoedTransactions) {
    this.#shard = shard;
  }

  *all(): Generator<() => readonly EchoRecord[]> {
    for (const { transaction } of this.#shard.slots()) if (transaction) yield () => [transactionRecord(transaction)];
  }

  changes(event: TransactionEvent): readonly EchoRecord[] {
    if (event.type === 'transaction-stored') return [transactionRecord(event.transaction)];
    return [{ key: transactionKey(transactionalIdOf(event)), value: null }];
  }
}
