import { alertStoreContract } from './alert-store.contract.ts';
import { MemoryAlertStore } from './memory-alert-store.ts';

alertStoreContract('MemoryAlertStore', async () => {
  const store = new MemoryAlertStore();
  return { connect: async () => store, close: async () => {} };
});
