import { groupStoreContract } from './group-store.contract.ts';
import { GroupTable, MemoryGroupStore } from './memory-group-store.ts';

groupStoreContract('groups in memory', async () => {
  const table = new GroupTable();
  return { connect: async () => new MemoryGroupStore(table), close: async () => {} };
});
