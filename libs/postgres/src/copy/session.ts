// A session for copying a whole database: without the limits that protect other sessions from a silent program, because
// a copy may wait for a slow disk, and with one text format for every value, whatever the server's configuration is.
import pg from 'pg';
import { isAway } from '../database-away.ts';
import { sessionOf, shown, unusable } from '../connect.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const TEXT_FORMAT = "SET datestyle = 'ISO'; SET timezone = 'UTC'; SET extra_float_digits = 3; SET bytea_output = 'hex'";

export async function copySession(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    ...sessionOf(url),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: 0,
    statement_timeout: 0,
  });
  client.on('error', () => {}); // the next statement reports it
  try {
    await client.connect();
    await client.query(TEXT_FORMAT);
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    if (!isAway(error)) throw unusable(url, error);
    throw new Error(
      `PostgreSQL at ${shown(url)} cannot be reached (${(error as Error).message}): start it, or correct DATABASE_URL`,
      { cause: error },
    );
  }
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
