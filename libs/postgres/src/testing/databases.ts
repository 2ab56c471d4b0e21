// Many empty databases on one embedded server: each test gets its own, copied from one that has all tables.
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@milepost/core';
import { silentLogger } from '@milepost/core';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { connectDatabase } from '../connect.ts';
import { isAway } from '../database-away.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../embedded.ts';
import { testFolder } from './folder.ts';

const LOOK_MS = 20;

export interface TestDatabase {
  readonly url: string;
  connect(logger?: Logger): Promise<DataSource>;
  /** Closes all connections. */
  close(): Promise<void>;
}

export class TestServer {
  readonly postgres: EmbeddedPostgres;
  readonly #remove: () => void;
  #made = 0;

  private constructor(postgres: EmbeddedPostgres, remove: () => void) {
    this.postgres = postgres;
    this.#remove = remove;
  }

  static async start(): Promise<TestServer> {
    const folder = testFolder();
    const postgres = await startEmbeddedPostgres({ dataDir: `${folder.path}/pg`, logger: silentLogger });
    const server = new TestServer(postgres, () => folder.remove());
    // Data that survives a kill is in the page cache either way; only a power cut would make a difference.
    await server.run('ALTER SYSTEM SET fsync = off');
    await server.run('SELECT pg_reload_conf()');
    await server.run('CREATE DATABASE filled');
    await (await connectDatabase(server.urlOf('filled'), { logger: silentLogger })).destroy();
    return server;
  }

  async database(): Promise<TestDatabase> {
    const name = `test_${++this.#made}`;
    await this.run(`CREATE DATABASE ${name} TEMPLATE filled`);
    const url = this.urlOf(name);
    const sources: DataSource[] = [];
    return {
      url,
      connect: async (logger = silentLogger) => {
        const source = await connectDatabase(url, { logger });
        sources.push(source);
        return source;
      },
      close: async () => {
        for (const source of sources) await source.destroy();
      },
    };
  }

  urlOf(name: string): string {
    return this.postgres.url.replace(/\/postgres(\?|$)/, `/${name}$1`);
  }

  async run<Row extends object>(sql: string): Promise<Row[]> {
    const client = await this.#connected();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** A server that was killed is away until it is restarted; its backends may live a moment longer. */
  async #connected(): Promise<pg.Client> {
    for (;;) {
      const client = new pg.Client({ connectionString: this.postgres.url });
      client.on('error', () => {});
      try {
        await client.connect();
        return client;
      } catch (failure) {
        if (!isAway(failure)) throw failure;
      }
      await pause(LOOK_MS);
    }
  }

  /** The server's processes, the postmaster first. */
  async processes(): Promise<number[]> {
    const rows = await this.run<{ pid: number }>(
      `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid
       UNION ALL SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()`,
    );
    return rows.map(({ pid }) => pid);
  }

  async stop(): Promise<void> {
    await this.postgres.stop();
    this.#remove();
  }
}
