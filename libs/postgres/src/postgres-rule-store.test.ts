import { FIRST_RULE, type RuleList } from '@milepost/alerts';
import { silentLogger } from '@milepost/core';
import type { DataSource, QueryRunner } from 'typeorm';
import { ruleStoreContract } from '../../alerts/src/rule-store.contract.ts';
import { Rules1764100000000 } from './migrations/1764100000000-rules.ts';
import { PostgresRuleStore, RuleFollower } from './postgres-rule-store.ts';
import { TestServer } from './testing/databases.ts';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

ruleStoreContract('PostgresRuleStore', async () => {
  const database = await server.database();
  const source = await database.connect();
  await source.query('DELETE FROM rules');
  return { store: new PostgresRuleStore(source), close: () => database.close() };
});

test('a new installation watches for silence alone', async () => {
  const database = await server.database();
  const store = new PostgresRuleStore(await database.connect());
  expect(await store.list()).toEqual({ version: 1, rules: [{ ...FIRST_RULE, version: 1 }], broken: [] });
  await database.close();
});

test('an installation of an earlier version keeps its rules', async () => {
  const database = await server.database();
  const source = await database.connect();
  await asBefore(source, [
    { id: 'speeding', enabled: true, kind: 'speeding', limitKmh: 90 },
    {
      id: 'city',
      enabled: false,
      kind: 'geofence',
      name: 'Gothenburg',
      area: { box: { west: 11.875, south: 57.66, east: 12.075, north: 57.75 } },
    },
    {
      id: 'port',
      enabled: true,
      kind: 'geofence',
      name: 'Port',
      area: {
        rings: [
          [
            [1, 1],
            [2, 1],
            [2, 2],
          ],
        ],
      },
    }, // prettier-ignore
  ]);
  const { broken, rules } = await new PostgresRuleStore(source).list();
  expect(broken).toEqual([]);
  expect(rules).toMatchObject([
    { id: 'city', enabled: false, event: 'exit', name: 'Gothenburg', area: { type: 'Polygon' } },
    { id: 'port', event: 'exit', name: 'Port', area: { type: 'Polygon' } },
    { id: 'speeding', name: 'speeding', trucks: 'all', limitKmh: 90, version: 1 },
  ]);
  await database.close();
});

async function asBefore(
  source: DataSource,
  rules: readonly { readonly id: string; readonly [field: string]: unknown }[],
): Promise<void> {
  const migration = new Rules1764100000000();
  const runner: QueryRunner = source.createQueryRunner();
  await migration.down(runner);
  for (const rule of rules) await runner.query('INSERT INTO rules VALUES ($1, $2)', [rule.id, JSON.stringify(rule)]);
  await migration.up(runner);
  await runner.release();
}

test('a stored rule that cannot be read is named, and the others are in force', async () => {
  const database = await server.database();
  const source = await database.connect();
  await source.query(`INSERT INTO rules VALUES ('later', '{"id": "later", "kind": "weather"}', 9)`);
  const { broken, rules } = await new PostgresRuleStore(source).list();
  expect(rules.map(({ id }) => id)).toEqual(['silence']);
  expect(broken).toEqual([{ id: 'later', reason: expect.stringMatching(/^kind: expected one of .*; saw weather$/) }]);
  await database.close();
});

test('a change is noticed by other processes', async () => {
  const database = await server.database();
  const store = new PostgresRuleStore(await database.connect());
  let noticed = Promise.withResolvers<RuleList>();
  const known = await store.list();
  const follower = new RuleFollower(await database.connect(), silentLogger, known, (list) => noticed.resolve(list));
  follower.start();
  await store.remove('silence');
  expect(await noticed.promise).toMatchObject({ rules: [] });
  noticed = Promise.withResolvers();
  await store.add([FIRST_RULE], 'refuse');
  expect(await noticed.promise).toMatchObject({ rules: [{ id: 'silence' }] });
  await follower.stop();
  await database.close();
});

test('trucks without a position so far are named', async () => {
  const database = await server.database();
  const source = await database.connect();
  await source.query(`INSERT INTO truck_states VALUES ('t-1', 0, '{}')`);
  expect(await new PostgresRuleStore(source).unheard(['t-1', 't-2'])).toEqual(['t-2']);
  await database.close();
});
