import { backupEpochs } from '../runtime/memory-epochs.ts';
import { MemoryTransactionStore, TransactionTable } from './memory-transaction-store.ts';
import { transactionStoreContract } from './transaction-store.contract.ts';

transactionStoreContract('transactions in memory', async () => {
  const table = new TransactionTable();
  return {
    connect: async () => new MemoryTransactionStore(table),
    backup: async () => {
      const restore = backupEpochs(table);
      return async () => restore();
    },
    close: async () => {},
  };
});
