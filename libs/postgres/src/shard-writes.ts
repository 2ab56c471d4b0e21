// The shards of one kind of coordinator in PostgreSQL: their epochs, and the writes that carry them, with the leader epoch
// that the shard was acquired under: a database that went back gives the number of an epoch out again. Concurrent calls share a
// transaction, and there is one transaction at a time: its cost is the sync at its end, which a thousand writes can share.
//
// Calls of one transaction do not fail together: a call of a deposed coordinator, or one that PostgreSQL refuses, fails alone.
// And no call lands late. A transaction locks the rows of its shards first, so a transaction whose connection was dropped has
// either ended, or can never commit, by the time the next one writes.
import {
  CoordinatorStoreUnavailable,
  fenceOf,
  type Leadership,
  type ShardEpoch,
  type ShardFenced,
} from '@milepost/coordinators';
import type { Logger, Uuid } from '@milepost/core';
import type { DataSource, QueryRunner } from 'typeorm';
import { inTransaction, TransactionLost } from './transaction.ts';

/** A shard may hold a million rows. */
const ACQUIRE_TIMEOUT_MS = 30_000;
/** More than a second of work. With more waiting, the database does not keep up, and callers fail at once. */
const MAX_WAITING_EVENTS = 100_000;
/** Bounds how long one transaction makes the next wait. */
const EVENTS_PER_TRANSACTION = 5_000;

const ROWS_PER_STATEMENT = 500;

/** A batch of events as few statements. */
export interface EventWrites<Event> {
  /** Call with the events of a key in their order. */
  add(shard: number, event: Event): void;
  run(runner: QueryRunner): Promise<void>;
}

export interface ShardWritesOptions<Event> {
  readonly logger: Logger;
  readonly timeoutMs: number;
  /** The table of the shards' epochs. */
  readonly table: 'coordinator_shards' | 'transaction_shards';
  readonly createWrites: () => EventWrites<Event>;
}

interface Call<Event> {
  readonly shard: number;
  readonly epoch: ShardEpoch;
  readonly events: readonly Event[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class ShardWrites<Event> {
  readonly #database: DataSource;
  readonly #options: ShardWritesOptions<Event>;
  #waiting: Call<Event>[] = [];
  #waitingEvents = 0;
  #writing = false;

  constructor(database: DataSource, options: ShardWritesOptions<Event>) {
    this.#database = database;
    this.#options = options;
  }

  /** How many there are; 0 before any was acquired. @throws CoordinatorStoreUnavailable */
  async shards(): Promise<number> {
    const { timeoutMs, table } = this.#options;
    try {
      return await inTransaction(this.#database, { timeoutMs, repeatable: true }, async (runner) => {
        const rows: { shards: number }[] = await runner.query(
          `SELECT coalesce(max(shard) + 1, 0) AS shards FROM ${table}`,
        );
        return rows[0]?.shards ?? 0;
      });
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** Raises the epochs of the shards, and reads what they hold, in one transaction. @throws CoordinatorStoreUnavailable */
  async acquire<Held>(
    shards: readonly number[],
    leadership: Leadership | undefined,
    read: (runner: QueryRunner, shards: readonly number[]) => Promise<Held>,
  ): Promise<Held & { readonly epochs: ReadonlyMap<number, ShardEpoch> }> {
    const inOrder = [...new Set(shards)].toSorted((a, b) => a - b);
    const options = { timeoutMs: ACQUIRE_TIMEOUT_MS, repeatable: true };
    try {
      return await inTransaction(this.#database, options, async (runner) => {
        const epochs = leadership
          ? await raiseEpochsAsLeader(runner, this.#options.table, inOrder, leadership)
          : await raiseEpochs(runner, this.#options.table, inOrder);
        return { epochs, ...(await read(runner, [...epochs.keys()])) };
      });
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** @throws CoordinatorStoreUnavailable, ShardFenced */
  persist(shard: number, epoch: ShardEpoch, events: readonly Event[]): Promise<void> {
    if (this.#waitingEvents + events.length > MAX_WAITING_EVENTS)
      return Promise.reject(
        new CoordinatorStoreUnavailable(`${this.#waitingEvents} events wait for the database already`),
      );
    return new Promise((resolve, reject) => {
      this.#waiting.push({ shard, epoch, events, resolve, reject });
      this.#waitingEvents += events.length;
      if (!this.#writing) this.#begin();
    });
  }

  /** Starts after this turn of the event loop, to include its other calls. */
  #begin(): void {
    this.#writing = true;
    setImmediate(() => void this.#writeWaiting());
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) await this.#writeTogether(this.#nextCalls());
    this.#writing = false;
  }

  #nextCalls(): Call<Event>[] {
    let events = 0;
    const tooMany = this.#waiting.findIndex((call, place) => {
      events += call.events.length;
      return place > 0 && events > EVENTS_PER_TRANSACTION;
    });
    return this.#taken(tooMany < 0 ? this.#waiting.length : tooMany);
  }

  #taken(count: number): Call<Event>[] {
    const calls = this.#waiting.splice(0, count);
    for (const call of calls) this.#waitingEvents -= call.events.length;
    return calls;
  }

  async #writeTogether(calls: readonly Call<Event>[]): Promise<void> {
    try {
      await this.#write(calls);
    } catch (error) {
      if (error instanceof TransactionLost) {
        // Calls in the queue have waited as long; the time limit is for all of them.
        for (const call of [...calls, ...this.#taken(this.#waiting.length)]) call.reject(unavailable(error));
      } else if (calls.length > 1) {
        for (const call of calls) await this.#writeTogether([call]);
      } else {
        this.#options.logger.error(
          { error: String(error), shard: calls[0]?.shard },
          'PostgreSQL refuses an event of a coordinator',
        );
        for (const call of calls) call.reject(unavailable(error));
      }
    }
  }

  async #write(calls: readonly Call<Event>[]): Promise<void> {
    const { timeoutMs, table, createWrites } = this.#options;
    const options = { timeoutMs, repeatable: true };
    const fenced = await inTransaction(this.#database, options, async (runner) => {
      const epochs = await lockEpochs(runner, table, calls);
      const writes = createWrites();
      const refused = new Map<Call<Event>, ShardFenced>();
      for (const call of calls) {
        const { shard, epoch, events } = call;
        const fence = fenceOf(shard, { current: epochs.get(shard), epoch });
        if (fence) refused.set(call, fence);
        else for (const event of events) writes.add(shard, event);
      }
      await writes.run(runner);
      return refused;
    });
    for (const [call, fence] of fenced) call.reject(fence);
    for (const call of calls) call.resolve();
  }
}

interface EpochRow {
  readonly shard: number;
  readonly epoch: number;
  /** Null where the shard follows no partition. */
  readonly topic_id: Uuid | null;
  readonly leader_epoch: number;
}

const epochsIn = (rows: readonly EpochRow[]): Map<number, ShardEpoch> =>
  new Map(
    rows.map(({ shard, epoch, topic_id: topicId, leader_epoch: leaderEpoch }) => [
      shard,
      { number: epoch, leader: topicId === null ? undefined : { topicId, leaderEpoch } },
    ]),
  );

/** Ordered, so that two processes that acquire the same shards cannot deadlock. */
async function raiseEpochs(
  runner: QueryRunner,
  table: string,
  shards: readonly number[],
): Promise<Map<number, ShardEpoch>> {
  const rows: EpochRow[] = await runner.query(
    `INSERT INTO ${table} AS s (shard, epoch) SELECT shard, 1 FROM unnest($1::int[]) AS shard ORDER BY shard
     ON CONFLICT (shard) DO UPDATE SET epoch = s.epoch + 1, topic_id = NULL, leader_epoch = -1
     RETURNING shard, epoch, topic_id, leader_epoch`,
    [shards],
  );
  return epochsIn(rows);
}

/**
 * Those that a later leader has acquired stay as they are. All rows exist from the first acquisition on: how many there are is the
 * number of shards.
 */
async function raiseEpochsAsLeader(
  runner: QueryRunner,
  table: string,
  shards: readonly number[],
  { topicId, leaderEpochs, shards: count }: Leadership,
): Promise<Map<number, ShardEpoch>> {
  await runner.query(
    `INSERT INTO ${table} (shard, epoch) SELECT shard, 0 FROM generate_series(0, $1::int - 1) AS shard ORDER BY shard
     ON CONFLICT DO NOTHING`,
    [count],
  );
  await runner.query(`SELECT 1 FROM ${table} WHERE shard = ANY($1) ORDER BY shard FOR UPDATE`, [shards]);
  const rows: EpochRow[] = await runner.query(
    `WITH raised AS (
       UPDATE ${table} s SET epoch = s.epoch + 1, topic_id = $3, leader_epoch = l.epoch
       FROM unnest($1::int[], $2::int[]) AS l(shard, epoch)
       WHERE s.shard = l.shard AND (s.topic_id IS DISTINCT FROM $3 OR s.leader_epoch <= l.epoch)
       RETURNING s.shard, s.epoch, s.topic_id, s.leader_epoch)
     SELECT shard, epoch, topic_id, leader_epoch FROM raised ORDER BY shard`,
    [shards, shards.map((shard) => leaderEpochs.get(shard) ?? -1), topicId],
  );
  return epochsIn(rows);
}

/** Until the transaction ends, no process acquires these shards, and no other transaction writes to them. */
async function lockEpochs(
  runner: QueryRunner,
  table: string,
  calls: readonly { readonly shard: number }[],
): Promise<Map<number, ShardEpoch>> {
  const shards = [...new Set(calls.map(({ shard }) => shard))];
  const rows: EpochRow[] = await runner.query(
    `SELECT shard, epoch, topic_id, leader_epoch FROM ${table} WHERE shard = ANY($1) ORDER BY shard FOR NO KEY UPDATE`,
    [shards],
  );
  return epochsIn(rows);
}

function unavailable(error: unknown): CoordinatorStoreUnavailable {
  const { message } = error as Error;
  return new CoordinatorStoreUnavailable(message, { cause: error });
}

/** One row per statement makes 2,000 rows a second, 500 rows per statement over 100,000. */
export function* chunks<T>(rows: readonly T[]): Iterable<T[]> {
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) yield rows.slice(from, from + ROWS_PER_STATEMENT);
}
