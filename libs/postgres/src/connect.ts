// The one way to the database: waits until it is there, checks its version, brings its tables up to date.
// Never prints a password.
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@milepost/core';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { isAway } from './database-away.ts';
import { entities } from './entities/index.ts';
import { migrations } from './migrations/index.ts';

export interface ConnectOptions {
  readonly logger: Logger;
  /** Connections that one program keeps at most. Default 10: two for the stores, the rest for what people ask. */
  readonly poolSize?: number;
  /** Ends the waiting for a database that is away; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The database answered, and cannot be used: wrong password, no such database, too old. The message has the cure. */
export class DatabaseUnusable extends Error {
  override readonly name = 'DatabaseUnusable';
}

const POOL_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 5_000;
const RETRY_MS = 1_000;
const OLDEST_VERSION = 14;
/** A session that holds locks and has gone silent (its program is frozen, its cable is cut) must not block the others. */
const IDLE_IN_TRANSACTION_MS = 10_000;
/** Only one program at a time brings the tables up to date. The number means nothing; it is ours. */
export const MIGRATION_LOCK = 4_190_212_533;

/** @throws DatabaseUnusable. A database that is away is waited for: one line says so, one says that it came. */
export async function connectDatabase(url: string, options: ConnectOptions): Promise<DataSource> {
  const { logger, signal } = options;
  let waiting = false;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const database = await connectOnce(url, options);
      if (waiting) logger.info({}, `PostgreSQL at ${shown(url)} is there`);
      return database;
    } catch (error) {
      if (!isAway(error)) throw unusable(url, error);
      if (!waiting)
        logger.warn({}, `PostgreSQL at ${shown(url)} cannot be reached (${reason(error)}): trying every second`);
      waiting = true;
      await pause(RETRY_MS, undefined, signal ? { signal } : {});
    }
  }
}

async function connectOnce(url: string, options: ConnectOptions): Promise<DataSource> {
  const client = new pg.Client({ ...sessionOf(url), connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => {});
  await client.connect();
  try {
    await checkVersion(client, url);
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return await openMigrated(url, options);
  } finally {
    await client.end().catch(() => {});
  }
}

async function checkVersion(client: pg.Client, url: string): Promise<void> {
  const { rows } = await client.query<{ number: number; text: string }>(
    `SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS text`,
  );
  const version = rows[0];
  if (version && version.number >= OLDEST_VERSION * 10_000) return;
  throw new DatabaseUnusable(
    `PostgreSQL at ${shown(url)} is version ${version?.text}, expected ${OLDEST_VERSION} or newer: upgrade it, or set ` +
      'DATABASE_URL to another',
  );
}

async function openMigrated(url: string, { logger, poolSize = POOL_CONNECTIONS }: ConnectOptions): Promise<DataSource> {
  const database = new DataSource({
    type: 'postgres',
    entities,
    migrations,
    migrationsTableName: 'migrations',
    installExtensions: false,
    poolSize,
    poolErrorHandler: (error: Error) => logger.debug({ error: error.message }, 'an idle database connection was lost'),
    extra: { ...sessionOf(url), connectionTimeoutMillis: CONNECT_TIMEOUT_MS, idleTimeoutMillis: 0, keepAlive: true },
  });
  await database.initialize();
  try {
    for (const { name } of await database.runMigrations({ transaction: 'each' }))
      logger.info({}, `the database's tables were brought up to date: ${name}`);
    return database;
  } catch (error) {
    await database.destroy().catch(() => {});
    throw error;
  }
}

/** What every session to the database has in common. */
export const sessionOf = (url: string): pg.ClientConfig => ({
  connectionString: url,
  application_name: 'milepost',
  idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
});

/** Where and as whom, without the password. */
export function shown(url: string): string {
  const { host, port, database, user } = new pg.Client({ connectionString: url });
  return `${host.startsWith('/') ? host : `${host}:${port}`}/${database ?? ''} as ${user ?? ''}`;
}

export function unusable(url: string, error: unknown): Error {
  const code = (error as { code?: string }).code ?? '';
  const cure = cures[code];
  return cure ? new DatabaseUnusable(`PostgreSQL at ${shown(url)}: ${reason(error)}: ${cure}`) : (error as Error);
}

const cures: Readonly<Record<string, string>> = {
  '28P01': 'correct the password in DATABASE_URL',
  '28000': 'correct the user in DATABASE_URL, or let it in by pg_hba.conf',
  '3D000': 'create that database, or correct its name in DATABASE_URL',
  '42501': 'grant this user the right to create tables there',
};

/** A failed connection to several addresses is an AggregateError without a message of its own. */
function reason(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || String(error);
}
