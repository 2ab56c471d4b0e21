import { deviceStoreContract } from './device-store.contract.ts';
import { MemoryDeviceStore } from './memory-device-store.ts';

deviceStoreContract('MemoryDeviceStore', async () => ({ store: new MemoryDeviceStore(), close: async () => {} }));
