import { alertStoreContract } from '../../alerts/src/alert-store.contract.ts';
import { PostgresAlertStore } from './postgres-alert-store.ts';
import { TestServer } from './testing/databases.ts';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

alertStoreContract('PostgresAlertStore', async () => {
  const database = await server.database();
  return {
    connect: async () => new PostgresAlertStore(await database.connect()),
    close: () => database.close(),
  };
});

test('a truck with positions in two partitions has one state', async () => {
  const database = await server.database();
  const store = new PostgresAlertStore(await database.connect());
  const position = { truckId: 't-1', ts: '2026-11-22T10:00:00Z', lat: 1, lon: 2, source: 'milepost' };
  const state = { truckId: 't-1', lastOffset: 0, lastHeardMs: 0, lastPosition: position, rules: {} };
  for (const partition of [0, 1]) await store.load(partition);
  const step = { expectedOffset: 0, nextOffset: 1, states: [state], alerts: [], channels: [] };
  expect(await store.commit([0, 1].map((partition) => ({ partition, ...step })))).toHaveLength(2);
  const kept = [await store.load(0), await store.load(1)].flatMap(({ states }) => states);
  expect(kept).toEqual([state]);
  await database.close();
});
