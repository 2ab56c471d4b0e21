import { silentLogger } from '@milepost/core';
import { deviceStoreContract } from '../../security/src/device-store.contract.ts';
import { DeviceFollower, PostgresDeviceStore } from './postgres-device-store.ts';
import { TestServer } from './testing/databases.ts';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

deviceStoreContract('PostgresDeviceStore', async () => {
  const database = await server.database();
  return { store: new PostgresDeviceStore(await database.connect()), close: () => database.close() };
});

test('a change is noticed by other processes, in the order of the versions', async () => {
  const database = await server.database();
  const store = new PostgresDeviceStore(await database.connect());
  let noticed = Promise.withResolvers<void>();
  const follower = new DeviceFollower(await database.connect(), silentLogger, async () => noticed.resolve());
  follower.start();
  await noticed.promise; // the state at the start
  for (const isBlocked of [true, false]) {
    noticed = Promise.withResolvers();
    await store.setBlocked('t-1', isBlocked);
    await noticed.promise;
  }
  await follower.stop();
  await database.close();
});
