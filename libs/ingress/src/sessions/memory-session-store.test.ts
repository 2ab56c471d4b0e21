import { MemorySessionDatabase, MemorySessionStore } from './memory-session-store.ts';
import { sessionStoreContract } from './session-store.contract.ts';

sessionStoreContract('MemorySessionStore', async () => {
  const database = new MemorySessionDatabase();
  return { gateway: async () => new MemorySessionStore(database), close: async () => {} };
});
