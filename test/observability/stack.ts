// The surroundings of a running appliance in these tests: Prometheus, Alertmanager, and small servers that record
// requests.
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const START_LIMIT_MS = 180_000;
const AWAIT_LIMIT_MS = 120_000;
const LOOK_EVERY_MS = 250;

export interface Running {
  /** All of its standard error so far. */
  log(): string;
  stop(): Promise<unknown>;
}

/** Retries until there is a value. @throws with what was awaited and what was seen last. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  limitMs = AWAIT_LIMIT_MS,
): Promise<T> {
  const until = performance.now() + limitMs;
  let last = '';
  while (performance.now() < until) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`awaited for ${limitMs / 1000} s: ${what}${last && `; last: ${last}`}`);
}

export function start(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  return new Program(spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }));
}

export class Program implements Running {
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | undefined>;
  readonly #lines: string[] = [];
  #log = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (this.#log += chunk));
    if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => this.#lines.push(line));
    this.#exited = new Promise((resolve) => {
      child.once('exit', (status) => resolve(status ?? undefined));
      child.once('error', () => resolve(undefined));
    });
  }

  log(): string {
    return this.#log;
  }

  /** The ports of Milepost's ready line. */
  async ports(): Promise<{ readonly mqtt: number; readonly http: number; readonly kafka: number }> {
    const line = await Promise.race([
      eventually('the ready line', () => this.#lines.find((text) => text.startsWith('{"ready"')), START_LIMIT_MS),
      this.#exited.then(() => undefined),
    ]);
    if (line === undefined) throw new Error(`it did not start: ${this.#log.slice(-2_000)}`);
    return (JSON.parse(line) as { ports: { mqtt: number; http: number; kafka: number } }).ports;
  }

  /** Resolves with its status; undefined: it was killed, or never ran. */
  async stop(): Promise<number | undefined> {
    this.#child.kill('SIGINT');
    return this.#exited;
  }
}

export interface Heard {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Listener {
  readonly url: string;
  readonly port: number;
  readonly heard: Heard[];
  close(): Promise<void>;
}

/** Records requests, and responds with 200. */
export async function listen(): Promise<Listener> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      heard.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(200, { 'content-type': 'text/plain' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    heard,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
