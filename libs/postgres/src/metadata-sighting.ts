// How far the database is at one moment: the version of its metadata, and the history of the server that it belongs to.
//
// The server knows more than its tables do. Its system identifier changes with initdb, its timeline with every promotion and
// every restore to a point in time, and its log only grows. The files of an old backup, put back as they were, have the same
// identifier and timeline: the position in the log gives them away. Where the role may not call these functions, or the
// service has none, the version and our own lineage are left: a restore to the version that was seen is not recognized.
import { type Logger } from '@milepost/core';
import type { Sighting } from '@milepost/metadata';
import type { QueryRunner } from 'typeorm';
import { isAway } from './database-away.ts';

export interface SightingRow {
  readonly cluster_id: string;
  readonly version: string;
  readonly lineage: string;
  readonly system_id: string;
  readonly timeline: number;
  readonly position: string;
}

const OF_SERVER = `
  (SELECT system_identifier::text FROM pg_control_system()) AS system_id,
  ('x' || substr(pg_walfile_name(pg_current_wal_flush_lsn()), 1, 8))::bit(32)::int AS timeline,
  (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::text AS position`;
const UNKNOWN = `'' AS system_id, 0 AS timeline, '0' AS position`;

/** One row, a SightingRow. */
export type SightingSql = string;

/** As much as this role may query on this server. `query` is one transaction. */
export async function sightingSql(query: (sql: string) => Promise<unknown>, logger: Logger): Promise<SightingSql> {
  const of = (server: string): string =>
    `SELECT c.cluster_id, v.version, v.lineage, ${server} FROM metadata_version v, cluster c`;
  try {
    await query(`SELECT ${OF_SERVER}`);
    return of(OF_SERVER);
  } catch (failure) {
    if (isAway(failure)) throw failure;
    logger.info(
      {},
      `the database does not tell its history (${(failure as Error).message}): an older copy of it is recognized by its ` +
        'version alone; grant this role EXECUTE on pg_control_system() and pg_current_wal_flush_lsn()',
    );
    return of(UNKNOWN);
  }
}

/** 'locked': there is no other commit until this transaction ends. */
export async function readSighting(runner: QueryRunner, sql: SightingSql, lock?: 'locked'): Promise<Sighting> {
  const rows: SightingRow[] = await runner.query(lock ? `${sql} FOR UPDATE OF v` : sql);
  return sightingIn(rows);
}

export function sightingIn([row]: readonly SightingRow[]): Sighting {
  if (!row) throw new Error('the table cluster or metadata_version has lost its one row: restore the database');
  return {
    clusterId: row.cluster_id,
    origin: { systemId: row.system_id, timeline: row.timeline, lineage: row.lineage },
    version: Number(row.version),
    position: BigInt(row.position),
  };
}
