// The running server: started, watched, restarted when it dies, stopped. In its own process group, so that Ctrl-C
// reaches its owner first, which drains and then stops it.
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Logger } from '@milepost/core';
import { serverEnvironment } from './cluster.ts';
import type { Home } from './home.ts';
import { stopProcess } from './orphan.ts';
import type { Transport } from './transport.ts';

export interface ServerOptions {
  readonly cluster: string;
  readonly home: Home;
  readonly binaries: string;
  readonly transport: Transport;
  readonly logger: Logger;
}

/** Connections for an appliance of five brokers; less memory than the defaults; few log lines. */
const SETTINGS = ['max_connections=80', 'shared_buffers=32MB', 'max_wal_size=256MB', 'jit=off', 'log_checkpoints=off'];
const READY = 'ready to accept connections';
/** Backends of a postmaster that was killed hold its memory for a moment longer. */
const MEMORY_STILL_HELD = 'pre-existing shared memory block';
const FIRST_ATTEMPTS = 50;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** If a server dies after this long, its death counts as the first in a row. */
const CALM_MS = 60_000;
/** Recovery after a crash: minutes at worst, logged when it is more than a moment. */
const SLOW_START_MS = 2_000;
const KEPT_LINES = 5;

type Child = ChildProcessByStdio<null, null, Readable>;

export class Server {
  readonly url: string;
  readonly #options: ServerOptions;
  #child: Child | undefined;
  #stopping: Promise<void> | undefined;
  #restart: NodeJS.Timeout | undefined;
  #deaths = 0;
  #readyAt = 0;
  /** process.exit() and uncaught errors come through here; the server completes the shutdown alone. */
  readonly #onExit = (): void => void this.#child?.kill('SIGINT');

  constructor(options: ServerOptions) {
    this.#options = options;
    this.url = options.transport.url;
  }

  async start(): Promise<void> {
    process.on('exit', this.#onExit);
    try {
      for (let attempt = 1; ; attempt++) {
        const end = await this.#launch();
        if (end === undefined) {
          this.#readyAt = performance.now();
          return;
        }
        if (!end.includes(MEMORY_STILL_HELD) || attempt === FIRST_ATTEMPTS)
          throw new Error(`PostgreSQL does not start in ${this.#options.home.folder}: ${end}`);
        await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS));
      }
    } catch (error) {
      process.off('exit', this.#onExit);
      throw error;
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#restart);
    process.off('exit', this.#onExit);
    const child = this.#child;
    if (!child?.pid) return;
    if (process.platform === 'win32') this.#stopOnWindows();
    else await stopProcess(child.pid);
  }

  /** Windows has no signals for it. */
  #stopOnWindows(): void {
    const { binaries, cluster } = this.#options;
    spawnSync(join(binaries, 'pg_ctl'), ['stop', '--mode', 'fast', '--wait', '--pgdata', cluster]);
  }

  /** Resolves with undefined when the server is ready, or with its last lines if it ended before. */
  #launch(): Promise<string | undefined> {
    const { binaries, cluster, home, transport, logger } = this.#options;
    const settings = [...SETTINGS, ...transport.settings].flatMap((setting) => ['-c', setting]);
    return new Promise((resolve, reject) => {
      const child: Child = spawn(join(binaries, 'postgres'), ['-D', cluster, ...settings], {
        ...home.user,
        cwd: '/',
        env: serverEnvironment(),
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
      });
      this.#child = child;
      const slow = setTimeout(() => logger.info({}, 'PostgreSQL is recovering; this may take a while'), SLOW_START_MS);
      const lastLines = this.#listen(child, () => {
        clearTimeout(slow);
        child.on('exit', (code, signal) => this.#died(`exit ${code ?? signal}`));
        // From here on it must not prevent its owner from ending.
        child.unref();
        (child.stderr as Readable & { unref(): void }).unref();
        resolve(undefined);
      });
      child.on('error', (error) => {
        clearTimeout(slow);
        reject(error);
      });
      child.on('close', (code, signal) => {
        clearTimeout(slow);
        resolve(`exit ${code ?? signal}: ${lastLines.join('; ')}`);
      });
    });
  }

  #died(how: string): void {
    if (this.#stopping) return;
    if (performance.now() - this.#readyAt > CALM_MS) this.#deaths = 0;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#deaths++, LONGEST_PAUSE_MS);
    this.#options.logger.error({}, `PostgreSQL has ended (${how}): starting it again in ${pauseMs} ms`);
    this.#restart = setTimeout(() => void this.#startAgain(), pauseMs).unref();
  }

  async #startAgain(): Promise<void> {
    const end = await this.#launch().catch(String);
    if (end !== undefined) return this.#died(end);
    this.#readyAt = performance.now();
    this.#options.logger.info({}, 'PostgreSQL is running again');
  }

  /** The server's lines go to the log; its messages about clients and their mistakes only to the debug log. */
  #listen(child: Child, becameReady: () => void): string[] {
    const kept: string[] = [];
    let ready = false;
    let rest = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        kept.push(line.replace(/^.*?(LOG|FATAL|PANIC|HINT|DETAIL): +/, ''));
        if (kept.length > KEPT_LINES) kept.shift();
        if (line.includes('PANIC:')) this.#options.logger.error({}, `PostgreSQL: ${line}`);
        else this.#options.logger.debug({}, `PostgreSQL: ${line}`);
        // It logs this again after each recovery from the death of one of its processes.
        if (ready || !line.includes(READY)) continue;
        ready = true;
        becameReady();
      }
    });
    return kept;
  }
}
