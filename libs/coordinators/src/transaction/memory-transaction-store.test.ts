import { MemoryTransactionStore, TransactionTable } from './memory-transaction-store.ts';
import { transactionStoreContract } from './transaction-store.contract.ts';

transactionStoreContract('transactions in memory', async () => {
  const table = new TransactionTable();
  return { connect: async () => new MemoryTransactionStore(table), close: async () => {} };
});
