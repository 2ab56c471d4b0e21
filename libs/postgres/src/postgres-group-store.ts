// Consumer groups and offsets in PostgreSQL. Concurrent calls share a transaction, and there is one transaction at a time: its
// cost is the sync at its end, which a thousand commits can share.
//
// Calls of one transaction do not fail together: a call of a deposed coordinator, or one that PostgreSQL refuses, fails alone.
// And no call lands late. A transaction locks the rows of its shards first, so a transaction whose connection was dropped has
// either ended, or can never commit, by the time the next one writes.
import {
  type GroupEvent,
  type GroupStore,
  CoordinatorStoreUnavailable,
  ShardFenced,
  type AcquiredGroups,
} from '@milepost/coordinators';
import type { Logger } from '@milepost/core';
import type { DataSource, QueryRunner } from 'typeorm';
import { GroupWrites } from './group-writes.ts';
import { readGroups, readOffsets } from './group-rows.ts';
import type { PostgresStoreOptions } from './postgres-metadata-store.ts';
import { inTransaction, TransactionLost } from './transaction.ts';

const TIMEOUT_MS = 5_000;
/** A shard may hold a million offsets. */
const ACQUIRE_TIMEOUT_MS = 30_000;
/** More than a second of work. With more waiting, the database does not keep up, and callers fail at once. */
export const MAX_WAITING_EVENTS = 100_000;
/** Bounds how long one transaction makes the next wait. */
const EVENTS_PER_TRANSACTION = 5_000;

interface Call {
  readonly shard: number;
  readonly epoch: number;
  readonly events: readonly GroupEvent[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class PostgresGroupStore implements GroupStore {
  readonly #database: DataSource;
  readonly #logger: Logger;
  readonly #timeoutMs: number;
  #waiting: Call[] = [];
  #waitingEvents = 0;
  #writing = false;

  constructor(database: DataSource, { logger, timeoutMs = TIMEOUT_MS }: PostgresStoreOptions) {
    this.#database = database;
    this.#logger = logger;
    this.#timeoutMs = timeoutMs;
  }

  async shards(): Promise<number> {
    try {
      return await inTransaction(this.#database, { timeoutMs: this.#timeoutMs, repeatable: true }, async (runner) => {
        const rows: { shards: number }[] = await runner.query(
          'SELECT coalesce(max(shard) + 1, 0) AS shards FROM coordinator_shards',
        );
        return rows[0]?.shards ?? 0;
      });
    } catch (error) {
      throw unavailable(error);
    }
  }

  async acquire(shards: readonly number[]): Promise<AcquiredGroups> {
    const inOrder = [...new Set(shards)].toSorted((a, b) => a - b);
    try {
      return await inTransaction(
        this.#database,
        { timeoutMs: ACQUIRE_TIMEOUT_MS, repeatable: true },
        async (runner) => ({
          epochs: await raiseEpochs(runner, inOrder),
          groups: await readGroups(runner, inOrder),
          offsets: await readOffsets(runner, inOrder),
        }),
      );
    } catch (error) {
      throw unavailable(error);
    }
  }

  persist(shard: number, epoch: number, events: readonly GroupEvent[]): Promise<void> {
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

  #nextCalls(): Call[] {
    let events = 0;
    const tooMany = this.#waiting.findIndex((call, place) => {
      events += call.events.length;
      return place > 0 && events > EVENTS_PER_TRANSACTION;
    });
    return this.#taken(tooMany < 0 ? this.#waiting.length : tooMany);
  }

  #taken(count: number): Call[] {
    const calls = this.#waiting.splice(0, count);
    for (const call of calls) this.#waitingEvents -= call.events.length;
    return calls;
  }

  async #writeTogether(calls: readonly Call[]): Promise<void> {
    try {
      await this.#write(calls);
    } catch (error) {
      if (error instanceof TransactionLost) {
        // Calls in the queue have waited as long; the time limit is for all of them.
        for (const call of [...calls, ...this.#taken(this.#waiting.length)]) call.reject(unavailable(error));
      } else if (calls.length > 1) {
        for (const call of calls) await this.#writeTogether([call]);
      } else {
        this.#logger.error({ error: String(error), shard: calls[0]?.shard }, 'PostgreSQL refuses a group event');
        for (const call of calls) call.reject(unavailable(error));
      }
    }
  }

  async #write(calls: readonly Call[]): Promise<void> {
    const options = { timeoutMs: this.#timeoutMs, repeatable: true };
    const fenced = await inTransaction(this.#database, options, async (runner) => {
      const epochs = await lockEpochs(runner, calls);
      const writes = new GroupWrites();
      for (const { shard, epoch, events } of calls)
        if (epochs.get(shard) === epoch) for (const event of events) writes.add(shard, event);
      await writes.run(runner);
      return calls.filter(({ shard, epoch }) => epochs.get(shard) !== epoch);
    });
    for (const { shard, epoch, reject } of fenced) reject(new ShardFenced(`shard ${shard}: epoch ${epoch} is over`));
    for (const call of calls) call.resolve();
  }
}

/** Ordered, so that two processes that acquire the same shards cannot deadlock. */
async function raiseEpochs(runner: QueryRunner, shards: readonly number[]): Promise<Map<number, number>> {
  const rows: { shard: number; epoch: number }[] = await runner.query(
    `INSERT INTO coordinator_shards AS s SELECT shard, 1 FROM unnest($1::int[]) AS shard ORDER BY shard
     ON CONFLICT (shard) DO UPDATE SET epoch = s.epoch + 1 RETURNING shard, epoch`,
    [shards],
  );
  return new Map(rows.map(({ shard, epoch }) => [shard, epoch]));
}

/** Until the transaction ends, no process acquires these shards, and no other transaction writes to them. */
async function lockEpochs(runner: QueryRunner, calls: readonly Call[]): Promise<Map<number, number>> {
  const shards = [...new Set(calls.map(({ shard }) => shard))];
  const rows: { shard: number; epoch: number }[] = await runner.query(
    'SELECT shard, epoch FROM coordinator_shards WHERE shard = ANY($1) ORDER BY shard FOR NO KEY UPDATE',
    [shards],
  );
  return new Map(rows.map(({ shard, epoch }) => [shard, epoch]));
}

function unavailable(error: unknown): CoordinatorStoreUnavailable {
  const { message } = error as Error;
  return new CoordinatorStoreUnavailable(message, { cause: error });
}
