// An external PostgreSQL: Debian's, in its own folder and on its own port, to be stopped, killed and restarted.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { until } from '../e2e/support/until.ts';
import { freePort } from './free-port.ts';

const INSTALLED = '/usr/lib/postgresql';
const OLDEST_VERSION = 14;
/** PostgreSQL refuses to run as root. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

export class PostgresServer {
  readonly #folder: string;
  readonly #port: number;
  #child: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  /** Undefined if there is one; else the reason why not. */
  static missing(): string | undefined {
    return binaries() === undefined
      ? `no PostgreSQL ${OLDEST_VERSION} or newer in ${INSTALLED} (Debian: postgresql)`
      : undefined;
  }

  /** A new server in a folder created for it. */
  static async start(folder: string): Promise<PostgresServer> {
    mkdirSync(folder, { mode: 0o700 });
    chmodSync(folder, 0o700);
    if (NOBODY.uid !== undefined) chownSync(folder, NOBODY.uid, NOBODY.gid);
    const options = ['--pgdata', join(folder, 'cluster'), '--auth=trust', '--username=milepost', '--locale=C'];
    const made = spawnSync(join(binaries() ?? '', 'initdb'), [...options, '--encoding=UTF8', '--no-sync'], {
      ...NOBODY,
      cwd: '/',
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
    const server = new PostgresServer(folder, await freePort());
    await server.startAgain();
    return server;
  }

  /** For DATABASE_URL. */
  url(database = 'postgres'): string {
    return `postgres://milepost@127.0.0.1:${this.#port}/${database}?sslmode=disable`;
  }

  /** Creates an empty database of that name; returns its URL. */
  async createDatabase(name: string): Promise<string> {
    await this.run(`CREATE DATABASE ${name}`);
    return this.url(name);
  }

  async run<Row extends object>(sql: string, database = 'postgres'): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.url(database) });
    await client.connect();
    try {
      return (await client.query<Row>(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** After a stop or a kill. Resolves when it responds. */
  async startAgain(): Promise<void> {
    const settings = ['listen_addresses=127.0.0.1', `port=${this.#port}`, 'unix_socket_directories='];
    // Backends of a killed server may hold its memory for a moment longer: then it is started again.
    await until('PostgreSQL answers', async () => {
      if (this.#child?.exitCode !== null)
        this.#child = spawn(
          join(binaries() ?? '', 'postgres'),
          ['-D', join(this.#folder, 'cluster'), ...settings.flatMap((setting) => ['-c', setting])],
          { ...NOBODY, cwd: '/', stdio: 'ignore' },
        );
      return this.run('SELECT').then(
        () => true,
        () => false,
      );
    });
  }

  /** Like a power switch for the process. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  stop(): Promise<void> {
    return this.#end('SIGINT');
  }

  async #end(signal: 'SIGKILL' | 'SIGINT'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }
}

/** Of the newest version. */
function binaries(): string | undefined {
  if (!existsSync(INSTALLED)) return undefined;
  const versions = readdirSync(INSTALLED)
    .map(Number)
    .filter((version) => version >= OLDEST_VERSION && existsSync(`${INSTALLED}/${version}/bin/postgres`));
  return versions.length === 0 ? undefined : `${INSTALLED}/${Math.max(...versions)}/bin`;
}
