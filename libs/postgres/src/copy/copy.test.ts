import pg from 'pg';
import { TestServer } from '../testing/databases.ts';
import { afterTheLog, DatabaseSnapshot } from './database-snapshot.ts';
import { checkEmpty, type DatabaseCopy, fillDatabase } from './fill-database.ts';
import { leftOut, migrationNames } from './tables.ts';

let server: TestServer;
let databases = 0;
beforeAll(async () => (server = await TestServer.start()));
afterAll(() => server.stop());

const TOPIC = '11111111-1111-4111-8111-111111111111';
const DELETED = '22222222-2222-4222-8222-222222222222';
const ODD = `a "quoted", (bracketed)\\ text\nof two lines, ünïcode and \t a tab`;

async function emptyDatabase(): Promise<string> {
  const name = `empty_${++databases}`;
  await server.run(`CREATE DATABASE ${name}`);
  return server.urlOf(name);
}

async function run<Row extends object>(url: string, sql: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

async function filledDatabase(): Promise<string> {
  const { url } = await server.database();
  await run(url, `INSERT INTO cluster VALUES (1, 'cluster')`);
  await run(url, 'INSERT INTO topics VALUES ($1, $2, $3), ($4, $5, $3)', [
    TOPIC,
    'kept',
    '{"a":"1"}',
    DELETED,
    'deleted',
  ]);
  for (const topic of [TOPIC, DELETED])
    await run(url, `INSERT INTO partitions VALUES ($1, 0, '{1}', '{1}', 1, 3, 4)`, [topic]);
  const offset = `INSERT INTO group_offsets VALUES ($1, $2, 0, 7, $3, 9007199254740993, 0, $4, 1, $5)`;
  await run(url, offset, ['group', 'kept', TOPIC, ODD, null]);
  await run(url, offset, ['group', 'deleted', DELETED, '', 12]);
  await run(url, `INSERT INTO alerts VALUES ('a', '2026-11-30 12:00:00.123456+02', $1)`, [
    JSON.stringify({ ODD, n: 1e-7 }),
  ]);
  await run(url, `INSERT INTO rules VALUES ('r', '{"as":  "typed" , "as": "twice"}')`);
  await run(url, 'UPDATE producer_id_blocks SET next_producer_id = 3000');
  return url;
}

/** The whole copy in memory, as a backup has it in files. */
async function copyOf(url: string): Promise<DatabaseCopy & { readonly content: ReadonlyMap<string, string[]> }> {
  const snapshot = await DatabaseSnapshot.open(url);
  const content = new Map<string, string[]>();
  const tables = await snapshot.tables();
  for (const { name } of tables) {
    content.set(name, []);
    for await (const rows of snapshot.rows(name)) content.get(name)?.push(...rows);
  }
  await snapshot.close();
  return {
    migrations: snapshot.migrations,
    tables,
    content,
    after: { deletedTopicIds: [], nextProducerId: '0' },
    rows: async function* (table) {
      yield content.get(table) ?? [];
    },
  };
}

test('every table is restored with every value as it was', async () => {
  const [source, target] = [await filledDatabase(), await emptyDatabase()];
  const copy = await copyOf(source);
  await checkEmpty(target);
  await fillDatabase(target, copy);
  expect((await copyOf(target)).content).toEqual(copy.content);
  const [row] = await run<{ text: string; offset: string }>(
    target,
    `SELECT metadata AS text, committed_offset::text AS offset FROM group_offsets WHERE topic = 'kept'`,
  );
  expect(row).toEqual({ text: ODD, offset: '9007199254740993' });
});

test('no table of the database is left out, except for data of running processes', async () => {
  const { url } = await server.database();
  const copied = (await copyOf(url)).tables.map(({ name }) => name);
  const rows = await run<{ name: string }>(
    url,
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL ($1)`,
    [leftOut],
  );
  expect(copied.toSorted()).toEqual(rows.map(({ name }) => name).toSorted());
  expect(await run(url, 'SELECT sequencename FROM pg_sequences')).toEqual([{ sequencename: 'migrations_id_seq' }]);
});

test('what was deleted while the log was copied is not restored, and no producer id is used twice', async () => {
  const [source, target] = [await filledDatabase(), await emptyDatabase()];
  const copy = await copyOf(source);
  await run(source, 'DELETE FROM topics WHERE id = $1', [DELETED]);
  await run(source, 'UPDATE producer_id_blocks SET next_producer_id = 5000');
  const after = await afterTheLog(source, [TOPIC, DELETED]);
  expect(after).toEqual({ deletedTopicIds: [DELETED], nextProducerId: '5000' });
  await fillDatabase(target, { ...copy, after });
  expect(await run(target, 'SELECT name FROM topics')).toEqual([{ name: 'kept' }]);
  expect(await run(target, 'SELECT topic FROM group_offsets')).toEqual([{ topic: 'kept' }]);
  expect(await run(target, 'SELECT topic_id FROM partitions')).toEqual([{ topic_id: TOPIC }]);
  expect(await run(target, 'SELECT next_producer_id FROM producer_id_blocks')).toEqual([{ next_producer_id: '5000' }]);
});

test('a copy that fails halfway leaves the database empty', async () => {
  const [source, target] = [await filledDatabase(), await emptyDatabase()];
  const copy = await copyOf(source);
  const rows: DatabaseCopy['rows'] = (table) => {
    if (table === 'topics') throw new Error('the disk is gone');
    return copy.rows(table);
  };
  await expect(fillDatabase(target, { ...copy, rows })).rejects.toThrow('the disk is gone');
  await checkEmpty(target);
});

test('a backup of an older version is filled into its own tables, which the next start migrates', async () => {
  const [source, target] = [await filledDatabase(), await emptyDatabase()];
  const copy = await copyOf(source);
  const migrations = migrationNames.slice(0, 4);
  await fillDatabase(target, { ...copy, migrations, tables: copy.tables.filter(({ name }) => name === 'alerts') });
  expect(await run(target, 'SELECT alert_id FROM alerts')).toEqual([{ alert_id: 'a' }]);
  await expect(DatabaseSnapshot.open(target)).rejects.toThrow(/is of an older version/);
});

test('a database that is in use, one of a newer version and one that is not ours are each refused in one line', async () => {
  const [used, foreign] = [await filledDatabase(), await emptyDatabase()];
  const copy = await copyOf(used);
  await expect(checkEmpty(used)).rejects.toThrow(/is not empty: create a new one \(CREATE DATABASE …\)/);
  await expect(DatabaseSnapshot.open(foreign)).rejects.toThrow(/holds nothing of Milepost: correct DATABASE_URL/);
  const migrations = [...migrationNames, 'Shares1900000000000'];
  await expect(fillDatabase(foreign, { ...copy, migrations })).rejects.toThrow(
    "the backup's database is of a newer version (Shares1900000000000): restore it with that milepost or a newer one",
  );
  await run(used, `INSERT INTO migrations (timestamp, name) VALUES (1900000000000, 'Shares1900000000000')`);
  await expect(DatabaseSnapshot.open(used)).rejects.toThrow(/of a newer version \(Shares1900000000000\)/);
  await expect(checkEmpty('postgres://milepost@127.0.0.1:1/none')).rejects.toThrow(
    /cannot be reached .*: start it, or/,
  );
});
