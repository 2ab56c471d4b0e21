import { setTimeout as pause } from 'node:timers/promises';
import { queryWithin, inTransaction, TransactionLost } from './transaction.ts';
import { type TestDatabase, TestServer } from './testing/databases.ts';

let server: TestServer;
let database: TestDatabase;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  database = await server.database();
});
afterEach(() => database.close());

const sleepers = (): Promise<object[]> =>
  server.run(`SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()`);

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(20);
}

test('an abandoned transaction is cancelled on the server: its locks and its backend are free', async () => {
  const source = await database.connect();
  const options = { timeoutMs: 500, repeatable: false };
  const lost = inTransaction(source, options, async (runner) => {
    await runner.query('SET LOCAL statement_timeout = 0'); // so that only the cancel can end it
    await runner.query('LOCK TABLE rules');
    await runner.query('SELECT pg_sleep(600)');
  });
  await expect(lost).rejects.toThrow(TransactionLost);
  await until(async () => (await sleepers()).length === 0);
  await queryWithin(source, 60_000, 'SELECT FROM rules');
});

test('an abandoned statement is cancelled on the server', async () => {
  const source = await database.connect();
  await expect(queryWithin(source, 500, 'SELECT pg_sleep(600) FROM (SELECT 1) AS once')).rejects.toThrow(
    TransactionLost,
  );
  await until(async () => (await sleepers()).length === 0);
});

test('every session has limits that the server enforces', async () => {
  const source = await database.connect();
  const limits = await queryWithin<{ name: string; setting: string }>(
    source,
    60_000,
    `SELECT name, setting FROM pg_settings
     WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout') ORDER BY name`,
  );
  expect(limits).toEqual([
    { name: 'idle_in_transaction_session_timeout', setting: '10000' },
    { name: 'lock_timeout', setting: '10000' },
    { name: 'statement_timeout', setting: '35000' },
  ]);
});
