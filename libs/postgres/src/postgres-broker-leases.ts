// The leases of broker ids in PostgreSQL, by its `clock_timestamp()` (`now()` is the transaction's beginning). On a
// connection of its own: a heartbeat waits neither for the pool nor behind a long statement.
import { BrokerId, type Uuid } from '@milepost/core';
import {
  type BrokerLeases,
  type LeaseClaim,
  leaseEpochFor,
  type LeaseHolder,
  type LeaseOutcome,
  StoreUnavailable,
} from '@milepost/metadata';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { isAway } from './database-away.ts';

const TIMEOUT_MS = 5_000;

/** The row of an id that nobody has held yet. */
const FREE = `
  INSERT INTO broker_leases (broker_id, incarnation, host, port, place, epoch, since, lease_until)
  VALUES ($1, '00000000-0000-0000-0000-000000000000', '', 0, '', 0, '-infinity', '-infinity') ON CONFLICT DO NOTHING`;
const HOLDERS = `
  SELECT broker_id, incarnation, host, port, place, epoch::float8 AS epoch,
    (extract(epoch FROM since) * 1000)::float8 AS since_ms,
    (extract(epoch FROM lease_until) * 1000)::float8 AS until_ms,
    (extract(epoch FROM lease_until - clock_timestamp()) * 1000)::float8 AS remaining_ms
  FROM broker_leases WHERE epoch > 0`;
const LOCKED = `${HOLDERS} AND broker_id = $1 FOR UPDATE`;
const HELD = `
  UPDATE broker_leases SET incarnation = $2, host = $3, port = $4, place = $5, epoch = $6,
    since = CASE WHEN incarnation = $2 THEN since ELSE clock_timestamp() END,
    lease_until = clock_timestamp() + $7 * interval '1 millisecond'
  WHERE broker_id = $1`;
const RELEASED = `UPDATE broker_leases SET lease_until = clock_timestamp() WHERE broker_id = $1 AND incarnation = $2`;

interface Row {
  readonly broker_id: number;
  readonly incarnation: Uuid;
  readonly host: string;
  readonly port: number;
  readonly place: string;
  readonly epoch: number;
  readonly since_ms: number;
  readonly until_ms: number;
  readonly remaining_ms: number;
}

export class PostgresBrokerLeases implements BrokerLeases {
  readonly #database: DataSource;
  #client: pg.Client | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(database: DataSource) {
    this.#database = database;
  }

  hold(claim: LeaseClaim): Promise<LeaseOutcome> {
    return this.#inTurn(async (client) => {
      await client.query('BEGIN');
      await client.query(FREE, [claim.brokerId]);
      await client.query('SELECT 1 FROM broker_leases WHERE broker_id = $1 FOR UPDATE', [claim.brokerId]);
      const { rows } = await client.query<Row>(LOCKED, [claim.brokerId]);
      const holder = rows[0] && holderIn(rows[0]);
      const epoch = leaseEpochFor(claim, holder);
      if (epoch === undefined && holder) {
        await client.query('ROLLBACK');
        return { isHeld: false, holder };
      }
      const { brokerId, incarnation, host, port, place, sessionTimeoutMs } = claim;
      await client.query(HELD, [brokerId, incarnation, host, port, place, epoch, sessionTimeoutMs]);
      await client.query('COMMIT');
      return { isHeld: true, epoch: epoch ?? 1 };
    });
  }

  all(): Promise<ReadonlyMap<BrokerId, LeaseHolder>> {
    return this.#inTurn(async (client) => {
      const { rows } = await client.query<Row>(HOLDERS);
      return new Map(rows.map((row) => [BrokerId(row.broker_id), holderIn(row)]));
    });
  }

  release(brokerId: BrokerId, incarnation: Uuid): Promise<void> {
    return this.#inTurn(async (client) => void (await client.query(RELEASED, [brokerId, incarnation])));
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#client?.end().catch(() => {});
    this.#client = undefined;
  }

  /** One call at a time on the one connection; after a failure, on another one. */
  #inTurn<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const result = this.#last.then(async () => {
      try {
        return await work((this.#client ??= await this.#connected()));
      } catch (error) {
        this.#drop();
        throw isAway(error) ? new StoreUnavailable((error as Error).message, { cause: error }) : error;
      }
    });
    this.#last = result.catch(() => {});
    return result;
  }

  async #connected(): Promise<pg.Client> {
    const { extra } = this.#database.options as { extra: pg.ClientConfig };
    const client = new pg.Client({ ...extra, query_timeout: TIMEOUT_MS, statement_timeout: TIMEOUT_MS });
    client.on('error', () => this.#drop());
    try {
      await client.connect();
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    return client;
  }

  #drop(): void {
    this.#client?.end().catch(() => {});
    this.#client = undefined;
  }
}

const holderIn = ({ incarnation, host, port, place, epoch, since_ms, until_ms, remaining_ms }: Row): LeaseHolder => ({
  incarnation,
  host,
  port,
  place,
  epoch,
  sinceMs: since_ms,
  untilMs: until_ms,
  remainingMs: remaining_ms,
});
