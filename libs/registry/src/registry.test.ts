import { MemoryRegistryStore } from './memory-store.ts';
import { registryContract } from './registry.contract.ts';

registryContract('a registry in memory', async () => {
  const store = new MemoryRegistryStore();
  return { store, another: async () => store, close: async () => {} };
});
