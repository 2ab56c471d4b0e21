import { MemoryMetadataDatabase } from './memory-database.ts';
import { MemoryMetadataStore } from './memory-store.ts';
import { metadataStoreContract } from './store.contract.ts';
import { StoreUnavailable } from './store.ts';

metadataStoreContract('MemoryMetadataStore', async () => {
  const database = new MemoryMetadataDatabase();
  return {
    connect: async () => new MemoryMetadataStore(database),
    backup: async () => {
      const backup = database.backup();
      return async () => database.restore(backup);
    },
    close: async () => {},
  };
});

test('a memory database that is away refuses every call until it is back', async () => {
  const database = new MemoryMetadataDatabase();
  const store = new MemoryMetadataStore(database);
  database.available = false;
  await expect(store.open()).rejects.toThrow(StoreUnavailable);
  await expect(store.commit(() => [])).rejects.toThrow(StoreUnavailable);
  await expect(store.allocateProducerIds(1, 0n)).rejects.toThrow(StoreUnavailable);
  database.available = true;
  expect((await store.commit(() => [])).version).toBe(0);
});

test('a closed memory store gets no more notifications', async () => {
  const database = new MemoryMetadataDatabase();
  const [closed, other] = [new MemoryMetadataStore(database), new MemoryMetadataStore(database)];
  let calls = 0;
  closed.watch(() => calls++);
  const heard = new Promise<void>((resolve) => void other.watch(() => resolve()));
  await closed.close();
  await other.commit(() => [{ type: 'broker-configured', id: '', configs: {} }]);
  await heard;
  expect(calls).toBe(0);
});
