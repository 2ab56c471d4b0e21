// Where the database stands at one moment: the version of its metadata, and which history of which server that is.
//
// A server says more than its tables: its system identifier changes with initdb, its timeline with every promotion and every
// restore to a point in time, and its log only grows. Files of an old backup that are put back as they were have the same
// identifier and timeline; the position in the log shows them. A role, or a service, that may not call these functions
// leaves the version and our own lineage: a restore to the very version that was seen is not recognized then.
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

/** What this role may ask of this server. `query` is called outside of a transaction. */
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
      `the database does not say which history it is of (${(failure as Error).message}): an older copy of it is ` +
        'recognized by its version alone; let this role execute pg_control_system() and pg_current_wal_flush_lsn()',
    );
    return of(UNKNOWN);
  }
}

/** 'locked': no other commit comes in between until this transaction ends. */
export async function readSighting(runner: QueryRunner, sql: SightingSql, lock?: 'locked'): Promise<Sighting> {
  const rows: SightingRow[] = await runner.query(lock ? `${sql} FOR UPDATE OF v` : sql);
  return sightingIn(rows);
}

export function sightingIn([row]: readonly SightingRow[]): Sighting {
  if (!row)
    throw new Error('the database has lost the one row of its table cluster, or of metadata_version: restore it');
  return {
    clusterId: row.cluster_id,
    origin: { systemId: row.system_id, timeline: row.timeline, lineage: row.lineage },
    version: Number(row.version),
    position: BigInt(row.position),
  };
}
