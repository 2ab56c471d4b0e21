// A transaction with a deadline. A server that has gone silent (frozen, cut off) never makes the caller wait for longer:
// its connection is thrown away, and the pool makes a new one.
import { setTimeout as pause } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';
import { isAway } from './database-away.ts';

export interface TransactionOptions {
  /** In all, further attempts included. */
  readonly timeoutMs: number;
  /** All reads see the same moment. */
  readonly snapshot?: true;
  /** Doing it twice does no harm: it is tried again also where nobody knows whether the commit went through. */
  readonly repeatable: boolean;
}

/** The database was away until the deadline, or went away while it was committing. */
export class TransactionLost extends Error {
  override readonly name = 'TransactionLost';
}

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/** @throws TransactionLost; whatever `work` and the database throw otherwise, after a rollback. */
export async function inTransaction<T>(
  database: DataSource,
  options: TransactionOptions,
  work: (runner: QueryRunner) => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const attempt = { committing: false };
    try {
      return await attemptOnce(database, options, deadline, work, attempt);
    } catch (error) {
      if (!isAway(error)) throw error;
      const again = options.repeatable || !attempt.committing;
      if (!again || performance.now() + pauseMs >= deadline)
        throw new TransactionLost(`no answer from the database: ${(error as Error).message}`, { cause: error });
      await pause(pauseMs);
    }
  }
}

async function attemptOnce<T>(
  database: DataSource,
  { snapshot }: TransactionOptions,
  deadline: number,
  work: (runner: QueryRunner) => Promise<T>,
  attempt: { committing: boolean },
): Promise<T> {
  const runner = database.createQueryRunner();
  const connected: Promise<PoolClient> = runner.connect();
  const run = async (): Promise<T> => {
    await connected;
    await runner.startTransaction(snapshot && 'REPEATABLE READ');
    const result = await work(runner);
    attempt.committing = true;
    await runner.commitTransaction();
    return result;
  };
  try {
    const result = await within(deadline, run());
    await runner.release();
    return result;
  } catch (error) {
    // Whatever went wrong in it, the connection is thrown away: its server rolls back, and nobody waits for a ROLLBACK.
    connected.then(
      (client) => discard(runner, client),
      () => {},
    );
    throw error;
  }
}

/** A pool does not keep a client that has been ended. */
async function discard(runner: QueryRunner, client: PoolClient): Promise<void> {
  (client as unknown as { end(): Promise<void> }).end().catch(() => {});
  await runner.release();
}

function within<T>(deadline: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('no answer in time')), Math.max(1, deadline - performance.now()));
    promise.then(resolve, reject).finally(() => clearTimeout(late));
  });
}
