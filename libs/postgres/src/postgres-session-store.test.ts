import { sessionStoreContract } from '../../ingress/src/sessions/session-store.contract.ts';
import { PostgresSessionStore } from './postgres-session-store.ts';
import { TestServer } from './testing/databases.ts';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

sessionStoreContract('PostgresSessionStore', async () => {
  const database = await server.database();
  const source = await database.connect();
  return { gateway: async () => new PostgresSessionStore(source), close: () => database.close() };
});
