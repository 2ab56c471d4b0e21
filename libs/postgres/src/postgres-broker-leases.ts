// The leases of broker ids in PostgreSQL, by its `clock_timestamp()` (`now()` is the transaction's beginning). On a
// connection of its own: a heartbeat waits neither for the pool nor behind a long statement.
//
// Promises: each attempt ends within its time limit, and the next one has a new connection. A heartbeat is one statement,
// so that an attempt that was given up holds no lock that the next one would wait for.
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
import { cancelStatement } from './cancel.ts';
import { isAway } from './database-away.ts';

/** A broker that stops waits this long for a database that is away. */
const RELEASE_TIMEOUT_MS = 5_000;
/** For what was given up and could not be cancelled: it must not block the next attempt for long. */
const SESSION_LIMITS: pg.ClientConfig = { statement_timeout: 5_000, idle_in_transaction_session_timeout: 5_000 };

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
/** The epoch as in `leaseEpochFor` of a holder that extends its lease. */
const EXTENDED = `
  UPDATE broker_leases SET host = $3, port = $4, place = $5, epoch = greatest(epoch, $6),
    lease_until = clock_timestamp() + $7 * interval '1 millisecond'
  WHERE broker_id = $1 AND incarnation = $2 RETURNING epoch::float8 AS epoch`;
const LOCKED = `${HOLDERS} AND broker_id = $1 FOR UPDATE`;
const ACQUIRED = `
  UPDATE broker_leases SET incarnation = $2, host = $3, port = $4, place = $5, epoch = $6, since = clock_timestamp(),
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

/** pg's types lack the time limit of a single query. */
type TimedQuery = pg.QueryConfig<unknown[]> & { readonly query_timeout: number };

/** Rejects when the time of the attempt is over. */
type Query = <Columns extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<Columns[]>;

export class PostgresBrokerLeases implements BrokerLeases {
  readonly #database: DataSource;
  #client: pg.Client | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(database: DataSource) {
    this.#database = database;
  }

  hold(claim: LeaseClaim, timeoutMs: number): Promise<LeaseOutcome> {
    const { brokerId, incarnation, host, port, place, sessionTimeoutMs, epoch = 0 } = claim;
    return this.#inTurn(timeoutMs, async (query) => {
      const values = [brokerId, incarnation, host, port, place, epoch, sessionTimeoutMs];
      const [extended] = await query<{ epoch: number }>(EXTENDED, values);
      return extended ? { isHeld: true, epoch: extended.epoch } : acquired(query, claim);
    });
  }

  all(timeoutMs: number): Promise<ReadonlyMap<BrokerId, LeaseHolder>> {
    return this.#inTurn(timeoutMs, async (query) => {
      const rows = await query<Row>(HOLDERS);
      return new Map(rows.map((row) => [BrokerId(row.broker_id), holderIn(row)]));
    });
  }

  release(brokerId: BrokerId, incarnation: Uuid): Promise<void> {
    return this.#inTurn(RELEASE_TIMEOUT_MS, async (query) => void (await query(RELEASED, [brokerId, incarnation])));
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#client?.end().catch(() => {});
    this.#client = undefined;
  }

  /**
   * One attempt at a time on the one connection; after a failure, on another one. The time limit begins with its turn: when
   * the database is back, at most one attempt hangs.
   */
  #inTurn<Result>(timeoutMs: number, work: (query: Query) => Promise<Result>): Promise<Result> {
    const result = this.#last.then(() => this.#attempt(timeoutMs, work));
    this.#last = result.catch(() => {});
    return result;
  }

  async #attempt<Result>(timeoutMs: number, work: (query: Query) => Promise<Result>): Promise<Result> {
    const deadline = performance.now() + timeoutMs;
    const remainingMs = (): number => Math.max(1, Math.ceil(deadline - performance.now()));
    try {
      const client = (this.#client ??= await this.#connected(remainingMs()));
      return await work(async (text, values = []) => {
        const query: TimedQuery = { text, values: [...values], query_timeout: remainingMs() };
        return (await client.query(query)).rows;
      });
    } catch (error) {
      this.#drop();
      throw isAway(error) ? new StoreUnavailable((error as Error).message, { cause: error }) : error;
    }
  }

  async #connected(timeoutMs: number): Promise<pg.Client> {
    const { extra } = this.#database.options as { extra: pg.ClientConfig };
    const client = new pg.Client({ ...extra, ...SESSION_LIMITS, connectionTimeoutMillis: timeoutMs });
    client.on('error', () => this.#drop(client));
    try {
      await client.connect();
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    return client;
  }

  #drop(client = this.#client): void {
    if (client && client === this.#client) this.#client = undefined;
    if (client) cancelStatement(client);
    client?.end().catch(() => {});
  }
}

/** Decided under the row's lock. */
async function acquired(query: Query, claim: LeaseClaim): Promise<LeaseOutcome> {
  const { brokerId, incarnation, host, port, place, sessionTimeoutMs } = claim;
  await query('BEGIN');
  await query(FREE, [brokerId]);
  await query('SELECT 1 FROM broker_leases WHERE broker_id = $1 FOR UPDATE', [brokerId]);
  const [row] = await query<Row>(LOCKED, [brokerId]);
  const holder = row && holderIn(row);
  const epoch = leaseEpochFor(claim, holder);
  if (epoch === undefined && holder) {
    await query('ROLLBACK');
    return { isHeld: false, holder };
  }
  await query(ACQUIRED, [brokerId, incarnation, host, port, place, epoch, sessionTimeoutMs]);
  await query('COMMIT');
  return { isHeld: true, epoch: epoch ?? 1 };
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
