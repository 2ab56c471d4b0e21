// Fills an empty database from a copy: creates the tables of the copy's version and inserts the rows, in one
// transaction. A program of a later version migrates them when it starts.
import { invariant } from '@milepost/core';
import pg from 'pg';
import { DataSource, MigrationExecutor, type QueryRunner } from 'typeorm';
import { DatabaseUnusable, MIGRATION_LOCK, sessionOf, shown } from '../connect.ts';
import { migrations } from '../migrations/index.ts';
import { type AfterTheLog, type CopiedTable, columnsOf } from './database-snapshot.ts';
import { copySession, quoted } from './session.ts';
import { migrationNames } from './tables.ts';

export interface DatabaseCopy {
  readonly migrations: readonly string[];
  readonly tables: readonly CopiedTable[];
  readonly rows: (table: string) => AsyncIterable<readonly string[]>;
  readonly after: AfterTheLog;
}

/** @throws unless the copy is of this version or an older one. */
export function checkMigrations(names: readonly string[]): void {
  const unknown = names.find((name, index) => migrationNames[index] !== name);
  if (unknown !== undefined)
    throw new Error(
      `the backup's database is of a newer version (${unknown}): restore it with that milepost or a newer one`,
    );
}

/** @throws unless the database can be reached and has never been used. */
export async function checkEmpty(url: string): Promise<void> {
  const client = await copySession(url);
  try {
    const { rows } = await client.query<{ used: boolean }>(
      `SELECT to_regclass('migrations') IS NOT NULL OR to_regclass('topics') IS NOT NULL AS used`,
    );
    if (rows[0]?.used)
      throw new DatabaseUnusable(
        `the database ${shown(url)} is not empty: create a new one (CREATE DATABASE …) and let DATABASE_URL name it`,
      );
  } finally {
    await client.end();
  }
}

/** Everything or nothing: after a failure the database is as empty as before. */
export async function fillDatabase(url: string, copy: DatabaseCopy): Promise<void> {
  checkMigrations(copy.migrations);
  const database = new DataSource({
    type: 'postgres',
    migrations: migrations.filter(({ name }) => copy.migrations.includes(name)),
    migrationsTableName: 'migrations',
    installExtensions: false,
    poolSize: 2,
    extra: { ...sessionOf(url), idle_in_transaction_session_timeout: 0, statement_timeout: 0 },
  });
  await database.initialize();
  const runner = database.createQueryRunner();
  try {
    await runner.startTransaction();
    await runner.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await makeTables(database, runner);
    for (const table of copy.tables) await fill(runner, table, copy.rows(table.name));
    await catchUp(runner, copy.after);
    await runner.commitTransaction();
  } catch (error) {
    await runner.rollbackTransaction().catch(() => {});
    throw error;
  } finally {
    await runner.release();
    await database.destroy();
  }
}

async function makeTables(database: DataSource, runner: QueryRunner): Promise<void> {
  const executor = new MigrationExecutor(database, runner);
  executor.transaction = 'none';
  await executor.executePendingMigrations();
}

async function fill(runner: QueryRunner, { name, columns }: CopiedTable, batches: AsyncIterable<readonly string[]>) {
  const client = (await runner.connect()) as pg.Client;
  const here = await columnsOf(client, name);
  const [now, then] = [here.join(), columns.join()];
  invariant(now === then, () => `${name} has the columns ${now}, the backup's ${then}`);
  const table = quoted(name);
  await runner.query(`DELETE FROM ${table}`); // the rows that migrations insert
  // OFFSET 0: each text is read once, and not again for each column.
  const insert = `INSERT INTO ${table} SELECT (copied.one).* FROM
    (SELECT row::${table} AS one FROM unnest($1::text[]) AS given (row) OFFSET 0) AS copied`;
  for await (const rows of batches) await runner.query(insert, [rows]);
}

/** Applies deletions and producer ids that are newer than the tables: the log is a little younger. */
async function catchUp(runner: QueryRunner, { deletedTopicIds, nextProducerId }: AfterTheLog): Promise<void> {
  await runner.query('DELETE FROM group_offsets WHERE topic_id = ANY ($1::uuid[])', [deletedTopicIds]);
  await runner.query('DELETE FROM topics WHERE id = ANY ($1::uuid[])', [deletedTopicIds]);
  await runner.query('UPDATE producer_id_blocks SET next_producer_id = greatest(next_producer_id, $1::bigint)', [
    nextProducerId,
  ]);
}
