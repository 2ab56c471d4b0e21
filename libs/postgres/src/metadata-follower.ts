// Notices other processes' commits: LISTEN on a connection of its own wakes it, a poll every second catches what that
// misses. Survives the database's absence, and logs once that it is away and once that it is back.
import type { Logger } from '@milepost/core';
import pg from 'pg';
import type { Sighting } from '@milepost/metadata';
import type { DataSource } from 'typeorm';
import { METADATA_CHANNEL } from './metadata-channel.ts';
import { sightingIn, type SightingRow, type SightingSql } from './metadata-sighting.ts';

const POLL_MS = 1_000;
const QUERY_TIMEOUT_MS = 5_000;

export class MetadataFollower {
  readonly #database: DataSource;
  readonly #logger: Logger;
  readonly #onSighting: (sighting: Sighting) => Promise<void>;
  #stopped = false;
  #away = false;
  #client: pg.Client | undefined;
  #running: Promise<void> | undefined;
  #wake: () => void = () => {};

  constructor(database: DataSource, logger: Logger, onSighting: (sighting: Sighting) => Promise<void>) {
    this.#database = database;
    this.#logger = logger;
    this.#onSighting = onSighting;
  }

  start(sql: SightingSql): void {
    this.#running ??= this.#run(sql);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    this.#drop();
    await this.#running;
  }

  async #run(sql: SightingSql): Promise<void> {
    while (!this.#stopped) {
      const woken = this.#pause();
      try {
        await this.#poll(sql);
        if (this.#away) this.#logger.info({}, 'the database is back');
        this.#away = false;
      } catch (error) {
        this.#drop();
        if (!this.#away && !this.#stopped)
          this.#logger.warn(
            {},
            `the database is away (${(error as Error).message}): produce and fetch go on, the rest waits`,
          );
        this.#away = true;
      }
      await woken;
    }
  }

  async #poll(sql: SightingSql): Promise<void> {
    const client = (this.#client ??= await this.#listening());
    if (this.#stopped) return this.#drop(); // it connected while the stop found no client to end
    const { rows } = await client.query<SightingRow>(sql);
    await this.#onSighting(sightingIn(rows));
  }

  async #listening(): Promise<pg.Client> {
    const { extra } = this.#database.options as { extra: pg.ClientConfig };
    const client = new pg.Client({ ...extra, query_timeout: QUERY_TIMEOUT_MS });
    client.on('error', () => this.#drop());
    client.on('notification', () => this.#wake());
    try {
      await client.connect();
      await client.query(`LISTEN ${METADATA_CHANNEL}`);
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
