// Transactions and statements with a deadline. A server that is silent (frozen, cut off) or too slow never makes the
// caller wait for longer. The connection is then dropped, and the statement cancelled on the server: otherwise it would
// continue with its locks and its backend, beside the caller's next attempt.
import { setTimeout as pause } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';
import { cancelStatement } from './cancel.ts';
import { isAway } from './database-away.ts';

export interface TransactionOptions {
  /** In all, retries included. */
  readonly timeoutMs: number;
  /** All reads are of the same moment. */
  readonly snapshot?: true;
  /** It may be done twice: it is repeated even if the result of the commit is unknown. */
  readonly repeatable: boolean;
}

/** The database was away until the deadline, or went away while it was committing. */
export class TransactionLost extends Error {
  override readonly name = 'TransactionLost';
}

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/** @throws TransactionLost; any other error of `work` and the database, after a rollback. */
export function inTransaction<T>(
  database: DataSource,
  { repeatable, snapshot, timeoutMs }: TransactionOptions,
  work: (runner: QueryRunner) => Promise<T>,
): Promise<T> {
  return untilDeadline(timeoutMs, (deadline, attempt) =>
    withConnection(database, deadline, async (runner) => {
      attempt.isRepeatable = true;
      await runner.startTransaction(snapshot && 'REPEATABLE READ');
      const result = await work(runner);
      attempt.isRepeatable = repeatable;
      await runner.commitTransaction();
      return result;
    }),
  );
}

/** One statement that may be repeated. @throws TransactionLost; any other error of the database. */
export function queryWithin<Row>(
  database: DataSource,
  timeoutMs: number,
  sql: string,
  parameters: unknown[] = [],
): Promise<Row[]> {
  return untilDeadline(timeoutMs, (deadline) =>
    withConnection(database, deadline, (runner) => runner.query(sql, parameters) as Promise<Row[]>),
  );
}

interface Attempt {
  /** Whether another attempt does no harm if it fails now. */
  isRepeatable: boolean;
}

async function untilDeadline<T>(
  timeoutMs: number,
  once: (deadline: number, attempt: Attempt) => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const attempt = { isRepeatable: true };
    try {
      return await once(deadline, attempt);
    } catch (error) {
      if (!isAway(error)) throw error;
      if (!attempt.isRepeatable || performance.now() + pauseMs >= deadline)
        throw new TransactionLost(`no response from the database: ${(error as Error).message}`, { cause: error });
      await pause(pauseMs);
    }
  }
}

async function withConnection<T>(
  database: DataSource,
  deadline: number,
  work: (runner: QueryRunner) => Promise<T>,
): Promise<T> {
  const runner = database.createQueryRunner();
  const connected: Promise<PoolClient> = runner.connect();
  const timer = new Timer(deadline);
  try {
    const result = await timer.within(connected.then(() => work(runner)));
    await runner.release();
    return result;
  } catch (error) {
    // After any failure the connection is dropped: its server rolls back, and no caller waits for a ROLLBACK.
    connected.then(
      (client) => discard(runner, client, timer.hasExpired),
      () => {},
    );
    throw error;
  }
}

/** A pool drops a client that has ended. */
async function discard(runner: QueryRunner, client: PoolClient, isBusy: boolean): Promise<void> {
  if (isBusy) cancelStatement(client);
  (client as unknown as { end(): Promise<void> }).end().catch(() => {});
  await runner.release();
}

class Timer {
  readonly #deadline: number;
  hasExpired = false;

  constructor(deadline: number) {
    this.#deadline = deadline;
  }

  within<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const expire = (): void => {
        this.hasExpired = true;
        reject(new Error('no response in time'));
      };
      const late = setTimeout(expire, Math.max(1, this.#deadline - performance.now()));
      promise.then(resolve, reject).finally(() => clearTimeout(late));
    });
  }
}
