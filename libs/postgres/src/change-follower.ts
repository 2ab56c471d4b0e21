// Notices other processes' commits: LISTEN on a connection of its own wakes it, a poll every second catches what that
// misses. Survives the database's absence, and logs once that it is away and once that it is back.
import type { Logger } from '@milepost/core';
import pg from 'pg';
import type { DataSource } from 'typeorm';

const POLL_MS = 1_000;
const QUERY_TIMEOUT_MS = 5_000;

export interface FollowerOptions<Row> {
  /** NOTIFY's channel. */
  readonly channel: string;
  /** The result of each poll. */
  readonly seen: (rows: readonly Row[]) => Promise<void>;
  /** For the log: what the absence of the database means. */
  readonly whenAway: string;
}

export class ChangeFollower<Row extends object> {
  readonly #database: DataSource;
  readonly #logger: Logger;
  readonly #options: FollowerOptions<Row>;
  #stopped = false;
  #away = false;
  #client: pg.Client | undefined;
  #running: Promise<void> | undefined;
  #wake: () => void = () => {};

  constructor(database: DataSource, logger: Logger, options: FollowerOptions<Row>) {
    this.#database = database;
    this.#logger = logger;
    this.#options = options;
  }

  /** `sql` is what each poll reads. */
  start(sql: string): void {
    this.#running ??= this.#run(sql);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    this.#drop();
    await this.#running;
  }

  async #run(sql: string): Promise<void> {
    while (!this.#stopped) {
      const woken = this.#pause();
      try {
        await this.#poll(sql);
        if (this.#away) this.#logger.info({}, 'the database is back');
        this.#away = false;
      } catch (error) {
        this.#drop();
        if (!this.#away && !this.#stopped)
          this.#logger.warn({}, `the database is away (${(error as Error).message}): ${this.#options.whenAway}`);
        this.#away = true;
      }
      await woken;
    }
  }

  async #poll(sql: string): Promise<void> {
    const client = (this.#client ??= await this.#listening());
    if (this.#stopped) return this.#drop(); // it connected while the stop found no client to end
    const { rows } = await client.query<Row>(sql);
    await this.#options.seen(rows);
  }

  async #listening(): Promise<pg.Client> {
    const { extra } = this.#database.options as { extra: pg.ClientConfig };
    const client = new pg.Client({ ...extra, query_timeout: QUERY_TIMEOUT_MS });
    client.on('error', () => this.#drop());
    client.on('notification', () => this.#wake());
    try {
      await client.connect();
      await client.query(`LISTEN ${this.#options.channel}`);
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

  /** Until the next poll is due or a notification has arrived, also one that arrived during the last poll. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const due = setTimeout(resolve, POLL_MS);
      this.#wake = () => {
        clearTimeout(due);
        resolve();
      };
    });
  }
}
