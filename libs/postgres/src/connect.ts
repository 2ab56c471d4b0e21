// The one way to the database: waits until it is there, checks its version and that it has room for our connections,
// migrates its tables. Every session has limits that the server enforces, also when this program is frozen or cut off.
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
  /**
   * The maximum of connections in the pool. Default 10: two for the stores, the rest for requests. Fewer if the server
   * has fewer.
   */
  readonly poolSize?: number;
  /** Aborts the wait for a database that is away; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The database responded, and cannot be used: wrong password, no such database, too old. The message has the cure. */
export class DatabaseUnusable extends Error {
  override readonly name = 'DatabaseUnusable';
}

const POOL_CONNECTIONS = 10;
/** Outside the pool: one that listens for changes, one that migrates the tables at the start. */
const EXTRA_CONNECTIONS = 2;
/** With fewer, the stores would wait for each other. */
const FEWEST_CONNECTIONS = 3;
const CONNECT_TIMEOUT_MS = 5_000;
const RETRY_MS = 1_000;
const OLDEST_VERSION = 14;
/** A session that holds locks and is silent (its program is frozen, its cable is cut) must not block the others. */
const IDLE_IN_TRANSACTION_MS = 10_000;
/** Longer than any deadline of ours, for statements that their caller could not cancel. */
const STATEMENT_MS = 35_000;
const LOCK_MS = 10_000;
/** Only one program at a time migrates the tables. The number has no meaning; it is ours. */
export const MIGRATION_LOCK = 4_190_212_533;

/** @throws DatabaseUnusable. A database that is away is waited for: one line logs the wait, one its end. */
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
    const poolSize = await poolSizeFor(client, url, options);
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await migrate(url, options);
    return await openPool(url, { ...options, poolSize });
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

/** A pool that could grow past what the server has would fail under load. @throws DatabaseUnusable */
async function poolSizeFor(
  client: pg.Client,
  url: string,
  { logger, poolSize = POOL_CONNECTIONS }: ConnectOptions,
): Promise<number> {
  const { rows } = await client.query<{ allowed: number; others: number }>(CONNECTIONS);
  const { allowed = 0, others = 0 } = rows[0] ?? {};
  const wanted = poolSize + EXTRA_CONNECTIONS;
  const cure = `raise max_connections${allowed < wanted ? '' : ', or stop some of the others'}`;
  const seen = `PostgreSQL at ${shown(url)} has ${allowed} connections for us and others, ${others} of them are in use`;
  const room = Math.min(poolSize, allowed - EXTRA_CONNECTIONS);
  if (room < FEWEST_CONNECTIONS)
    throw new DatabaseUnusable(`${seen}; expected at least ${FEWEST_CONNECTIONS + EXTRA_CONNECTIONS}: ${cure}`);
  if (allowed - others < wanted) logger.warn({}, `${seen}; this program may use ${room + EXTRA_CONNECTIONS}: ${cure}`);
  return room;
}

/** Of the server, the database and the role, the lowest limit; a superuser may use the reserved ones too. */
const CONNECTIONS = `
  SELECT least(
    current_setting('max_connections')::int
      - CASE WHEN rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int END
      - CASE WHEN rolsuper THEN 0 ELSE coalesce(current_setting('reserved_connections', true), '0')::int END,
    CASE WHEN rolsuper OR rolconnlimit < 0 THEN NULL ELSE rolconnlimit END,
    CASE WHEN rolsuper OR datconnlimit < 0 THEN NULL ELSE datconnlimit END
  ) AS allowed,
  (SELECT count(*)::int FROM pg_stat_activity
   WHERE datid IS NOT NULL AND pid <> pg_backend_pid()) AS others
  FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()`;

/** On a separate connection: building an index may take longer than any statement of ours. */
async function migrate(url: string, { logger }: ConnectOptions): Promise<void> {
  const limits = { statement_timeout: 0, lock_timeout: 0 };
  const database = new DataSource({ ...sourceOf(url, 1, limits), migrations });
  await database.initialize();
  try {
    for (const { name } of await database.runMigrations({ transaction: 'each' }))
      logger.info({}, `the database's tables were brought up to date: ${name}`);
  } finally {
    await database.destroy().catch(() => {});
  }
}

async function openPool(url: string, { logger, poolSize = POOL_CONNECTIONS }: ConnectOptions): Promise<DataSource> {
  const poolErrorHandler = (error: Error): void =>
    logger.debug({ error: error.message }, 'an idle database connection was lost');
  const database = new DataSource({ ...sourceOf(url, poolSize), migrations, poolErrorHandler });
  return database.initialize();
}

const sourceOf = (url: string, poolSize: number, limits: pg.ClientConfig = {}) => ({
  type: 'postgres' as const,
  entities,
  migrationsTableName: 'migrations',
  installExtensions: false,
  poolSize,
  extra: {
    ...sessionOf(url),
    ...limits,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 0,
    keepAlive: true,
  },
});

/** The common options of every session to the database. */
export const sessionOf = (url: string): pg.ClientConfig => ({
  connectionString: url,
  application_name: 'milepost',
  idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
  statement_timeout: STATEMENT_MS,
  lock_timeout: LOCK_MS,
});

/** Host and user, without the password. */
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
