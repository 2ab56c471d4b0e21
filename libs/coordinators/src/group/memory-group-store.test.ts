import { backupEpochs } from '../runtime/memory-epochs.ts';
import { groupStoreContract } from './group-store.contract.ts';
import { GroupTable, MemoryGroupStore } from './memory-group-store.ts';

groupStoreContract('groups in memory', async () => {
  const table = new GroupTable();
  return {
    connect: async () => new MemoryGroupStore(table),
    backup: async () => {
      const restore = backupEpochs(table);
      return async () => restore();
    },
    close: async () => {},
  };
});
