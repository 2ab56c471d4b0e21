import { silentLogger } from '@milepost/core';
import { readRoute } from '@milepost/routes';
import { routeStoreContract } from '../../routes/src/route-store.contract.ts';
import { PostgresRouteStore, RouteFollower } from './postgres-route-store.ts';
import { TestServer } from './testing/databases.ts';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

routeStoreContract('PostgresRouteStore', async () => {
  const database = await server.database();
  return { store: new PostgresRouteStore(await database.connect()), close: () => database.close() };
});

test('a change is noticed by other processes, and again until they can use it', async () => {
  const database = await server.database();
  const store = new PostgresRouteStore(await database.connect());
  const seen: string[] = [];
  let noticed = Promise.withResolvers<void>();
  let isUsable = true;
  const follower = new RouteFollower(await database.connect(), silentLogger, async ({ routes }) => {
    seen.push(routes.map(({ name }) => name).join());
    noticed.resolve();
    return isUsable;
  });
  follower.start();
  await noticed.promise; // the state at the start
  noticed = Promise.withResolvers();
  isUsable = false;
  await store.change(() => [readRoute({ name: 'yard', filter: 'yard/+' })]);
  await noticed.promise;
  noticed = Promise.withResolvers();
  isUsable = true;
  await noticed.promise; // nothing has changed meanwhile
  expect(seen).toEqual(['', 'yard', 'yard']);
  await follower.stop();
  await database.close();
});
