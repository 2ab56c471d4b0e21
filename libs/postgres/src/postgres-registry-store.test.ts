import { registryContract } from '../../registry/src/registry.contract.ts';
import { PostgresRegistryStore } from './postgres-registry-store.ts';
import { TestServer } from './testing/databases.ts';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

registryContract('a registry in PostgreSQL', async () => {
  const database = await server.database();
  const another = async () => new PostgresRegistryStore(await database.connect());
  return { store: await another(), another, close: () => database.close() };
});
