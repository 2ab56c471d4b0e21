// The whole database as of one moment, read in one transaction: the cluster's id, and every row of every table as text.
// The format is our own, and small: pg_dump is a program that npm users do not have, and it has to match the server's
// version.
//
// Promises: everything is read as of the same moment, and nothing is changed or blocked.
import { invariant } from '@milepost/core';
import type pg from 'pg';
import { DatabaseUnusable, shown } from '../connect.ts';
import { copySession, quoted } from './session.ts';
import { migrationNames, parentsFirst, tableNames } from './tables.ts';

export interface CopiedTable {
  readonly name: string;
  readonly columns: readonly string[];
}

export interface PartitionOfTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

const ROWS_AT_ONCE = 1_000;

export class DatabaseSnapshot {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /** @throws one line with the cure: it cannot be reached, or its tables are of another version. */
  static async open(url: string): Promise<DatabaseSnapshot> {
    const client = await copySession(url);
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await checkVersion(client, url);
      return new DatabaseSnapshot(client);
    } catch (error) {
      await client.end();
      throw error;
    }
  }

  get migrations(): readonly string[] {
    return migrationNames;
  }

  /** Undefined before the first start of a broker. */
  async clusterId(): Promise<string | undefined> {
    const { rows } = await this.#client.query<{ cluster_id: string }>('SELECT cluster_id FROM cluster');
    return rows[0]?.cluster_id;
  }

  /** The registered brokers, also those that are down. */
  async brokerIds(): Promise<number[]> {
    const { rows } = await this.#client.query<{ id: number }>('SELECT id FROM brokers ORDER BY id');
    return rows.map(({ id }) => id);
  }

  /** The partitions of all topics, by name and number. */
  async partitions(): Promise<PartitionOfTopic[]> {
    const { rows } = await this.#client.query<PartitionOfTopic>(
      `SELECT topics.name AS topic, topics.id AS "topicId", partitions.index AS partition
       FROM topics JOIN partitions ON partitions.topic_id = topics.id ORDER BY topics.name, partitions.index`,
    );
    return rows;
  }

  /** In an order in which they can be filled. */
  async tables(): Promise<CopiedTable[]> {
    const { rows: references } = await this.#client.query<{ child: string; parent: string }>(
      `SELECT child.relname AS child, parent.relname AS parent FROM pg_constraint
       JOIN pg_class child ON child.oid = conrelid JOIN pg_class parent ON parent.oid = confrelid WHERE contype = 'f'`,
    );
    const tables: CopiedTable[] = [];
    for (const name of parentsFirst(tableNames(), references))
      tables.push({ name, columns: await columnsOf(this.#client, name) });
    return tables;
  }

  /** Each row as PostgreSQL writes a composite value: `(1,"a text",)`. */
  async *rows(table: string): AsyncGenerator<readonly string[], void, undefined> {
    await this.#client.query(
      `DECLARE copied NO SCROLL CURSOR FOR SELECT one::text AS row FROM ${quoted(table)} AS one`,
    );
    for (;;) {
      const { rows } = await this.#client.query<{ row: string }>(`FETCH ${ROWS_AT_ONCE} FROM copied`);
      if (rows.length === 0) break;
      yield rows.map(({ row }) => row);
    }
    await this.#client.query('CLOSE copied');
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

/** The data that a backup reads from the database again, after the log has been copied. */
export interface AfterTheLog {
  /** Of the given topics, those that have been deleted meanwhile. */
  readonly deletedTopicIds: readonly string[];
  /** The log may contain records of producers up to this id. */
  readonly nextProducerId: string;
}

export async function afterTheLog(url: string, topicIds: readonly string[]): Promise<AfterTheLog> {
  const client = await copySession(url);
  try {
    const { rows: deleted } = await client.query<{ id: string }>(
      `SELECT id FROM unnest($1::uuid[]) AS given (id) WHERE NOT EXISTS (SELECT FROM topics WHERE topics.id = given.id)`,
      [topicIds],
    );
    const { rows } = await client.query<{ next: string }>('SELECT next_producer_id AS next FROM producer_id_blocks');
    return { deletedTopicIds: deleted.map(({ id }) => id), nextProducerId: rows[0]?.next ?? '0' };
  } finally {
    await client.end();
  }
}

export async function columnsOf(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string; generated: string }>(
    `SELECT attname AS name, attgenerated AS generated FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [quoted(table)],
  );
  invariant(
    rows.every(({ generated }) => generated === ''),
    () => `${table} has a generated column, which a copy could not fill`,
  );
  return rows.map(({ name }) => name);
}

/** The tables must be those that this program knows: it would omit tables that a newer one has added. */
async function checkVersion(client: pg.Client, url: string): Promise<void> {
  const { rows: made } = await client.query<{ there: boolean }>(
    `SELECT to_regclass('migrations') IS NOT NULL AS there`,
  );
  if (!made[0]?.there)
    throw new DatabaseUnusable(`PostgreSQL at ${shown(url)} holds nothing of Milepost: correct DATABASE_URL`);
  const { rows } = await client.query<{ name: string }>('SELECT name FROM migrations ORDER BY id');
  const names = rows.map(({ name }) => name);
  const unknown = names.find((name) => !migrationNames.includes(name));
  if (unknown !== undefined)
    throw new DatabaseUnusable(
      `the database at ${shown(url)} is of a newer version (${unknown}): use the milepost that runs on it`,
    );
  const absent = migrationNames.find((name) => !names.includes(name));
  if (absent !== undefined)
    throw new DatabaseUnusable(
      `the database at ${shown(url)} is of an older version (${absent} has not run): use the milepost that runs on it, ` +
        'or start this one once',
    );
}
