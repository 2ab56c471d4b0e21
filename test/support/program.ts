// Milepost as a user runs it: a separate process, with its own data folder and any free ports. A suite that starts
// programs calls `cleanUp` at its end (for jest's tests e2e/support/program.ts does).
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../e2e/support/until.ts';

export interface Ports {
  readonly kafka: number;
  readonly mqtt: number;
  readonly mqttWs: number;
  readonly mqtts?: number;
  readonly mqttWss?: number;
  readonly http: number;
  readonly metrics?: number;
}

const START_LIMIT_MS = 180_000;
const RUN_LIMIT_MS = 600_000;

/** A folder that `cleanUp` removes; PostgreSQL's own user can reach it. */
export function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'milepost-'));
  chmodSync(folder, 0o711);
  folders.push(folder);
  return folder;
}

/** Any free ports, and groups that form immediately instead of after Kafka's three seconds. */
export const testSettings = {
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  MILEPOST_KAFKA_PORT: '0',
  MILEPOST_MQTT_PORT: '0',
  MILEPOST_MQTT_WS_PORT: '0',
  MILEPOST_HTTP_PORT: '0',
} as const;

export class Program {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | string>;
  #ports: Ports | undefined;
  /** All of its log so far. */
  log = '';

  private constructor(name: string, env: Readonly<Record<string, string>>, options: readonly string[]) {
    const args = ['--enable-source-maps', '--import', './tools/swc-hook.mjs', `apps/${name}/src/main.ts`, ...options];
    const clean = Object.fromEntries(
      Object.entries(process.env).filter(([key]) => !/^(NODE_OPTIONS|MILEPOST_|KAFKA_|DATABASE_URL)/.test(key)),
    );
    this.#child = spawn(process.execPath, args, { env: { ...clean, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (this.log += chunk));
    this.#exit = new Promise((resolve) => this.#child.once('exit', (code, signal) => resolve(code ?? signal ?? -1)));
  }

  /** Starts it without waiting. `options`: its command line. */
  static launch(name: string, env: Readonly<Record<string, string>>, options: readonly string[] = []): Program {
    const program = new Program(name, env, options);
    running.add(program);
    void program.#exit.then(() => running.delete(program));
    return program;
  }

  /** Resolves at the ready line. @throws with the log if the program ends before it. */
  static async start(
    name: string,
    env: Readonly<Record<string, string>>,
    options: readonly string[] = [],
  ): Promise<Program> {
    const program = Program.launch(name, env, options);
    const late = new Promise<never>((_, reject) => {
      setTimeout(
        () => reject(new Error(`${name} is not ready after ${START_LIMIT_MS} ms:\n${program.log}`)),
        START_LIMIT_MS,
      ).unref();
    });
    const early = program.#exit.then((status) =>
      Promise.reject(new Error(`${name} ended with ${status}:\n${program.log}`)),
    );
    early.catch(() => {});
    program.#ports = await Promise.race([program.#readyLine(), early, late]);
    return program;
  }

  /**
   * Runs a program that is expected to end by itself. One that does not is killed after the limit: the status is
   * SIGKILL.
   */
  static async run(
    name: string,
    env: Readonly<Record<string, string>>,
    options: readonly string[] = [],
    { limitMs = RUN_LIMIT_MS }: { readonly limitMs?: number } = {},
  ): Promise<{ status: number | string; log: string }> {
    const program = Program.launch(name, env, options);
    const limit = setTimeout(() => void program.kill(), limitMs);
    // Its last line may still be in the pipe when it is gone.
    const said = new Promise((resolve) => program.#child.stderr?.once('end', resolve));
    const [status] = await Promise.all([program.#exit, said]);
    clearTimeout(limit);
    return { status, log: program.log };
  }

  /** Resolves when the log matches. The log has another pipe than the ready line, and may arrive later. */
  async says(what: RegExp): Promise<void> {
    await until(`"${what.source}" in the log`, () => what.test(this.log));
  }

  get ports(): Ports {
    if (!this.#ports) throw new Error('not ready');
    return this.#ports;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Like Ctrl-C. Resolves with the exit status. */
  async stop(): Promise<number | string> {
    this.#child.kill('SIGINT');
    return this.#exit;
  }

  /** Like a power switch for the process. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  #readyLine(): Promise<Ports> {
    return new Promise((resolve) => {
      const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
      lines.on('line', (line) => {
        if (line.startsWith('{"ready":true')) resolve((JSON.parse(line) as { ports: Ports }).ports);
      });
    });
  }
}

const running = new Set<Program>();
const folders: string[] = [];
const undoings: (() => Promise<unknown> | void)[] = [];

/** Registers something else to undo when the test is over. */
export const cleanUpWith = (undo: () => Promise<unknown> | void): void => void undoings.push(undo);

/** Stops everything that a test left behind, the last first, and removes its folders. */
export async function cleanUp(): Promise<void> {
  for (let undo = undoings.pop(); undo; undo = undoings.pop()) await undo();
  await Promise.all([...running].map((program) => program.stop()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
