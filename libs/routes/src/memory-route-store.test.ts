import { MemoryRouteStore } from './route-store.ts';
import { routeStoreContract } from './route-store.contract.ts';

routeStoreContract('MemoryRouteStore', async () => ({ store: new MemoryRouteStore(), close: async () => {} }));
