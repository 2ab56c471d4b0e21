import { GroupTable, MemoryGroupStore } from '../group/memory-group-store.ts';
import { MemoryShareStateStore } from './memory-share-state-store.ts';
import { shareStateStoreContract } from './share-state-store.contract.ts';

shareStateStoreContract('MemoryShareStateStore', async () => {
  const table = new GroupTable();
  return {
    groups: new MemoryGroupStore(table),
    shares: new MemoryShareStateStore(table),
    close: async () => {},
  };
});
