// A broker in a process of its own, on this machine: started, watched, restarted when it dies, stopped.
//
// Promises: it never outlives this process. The channel between the two closes with either of them, and a program that was
// started over such a channel stops cleanly when it closes (apps/chassis/src/run.ts).
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Logger } from '@milepost/core';

export interface BrokerProcessOptions {
  readonly id: number;
  /** The program: a file for this Node, and its command line. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** More than a program gives itself for a clean stop: it is frozen. */
const STOP_LIMIT_MS = 130_000;

export class BrokerProcess {
  readonly #options: BrokerProcessOptions;
  #child: ChildProcess | undefined;
  #isReady = false;
  #isStopping = false;
  #failures = 0;
  #restart: NodeJS.Timeout | undefined;

  constructor(options: BrokerProcessOptions) {
    this.#options = options;
  }

  get id(): number {
    return this.#options.id;
  }
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Resolves when it serves. @throws Error if it ends before, after it has printed why. */
  start(): Promise<void> {
    const { id, command, env } = this.#options;
    // In its own process group: a Ctrl-C reaches this process alone, which stops brokers after those who write to them.
    const child = spawn(process.execPath, [...process.execArgv, ...command], {
      env,
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      detached: true,
      windowsHide: true,
    });
    this.#child = child;
    return new Promise((resolve, reject) => {
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        if (!line.startsWith('{"ready":true')) return;
        this.#isReady = true;
        resolve();
      });
      const ended = (how: string): void => {
        if (this.#child !== child) return;
        this.#child = undefined;
        if (this.#isReady) this.#died(how);
        this.#isReady = false;
        reject(new Error(`broker ${id} did not start (${how}): its own line above says why`));
      };
      child.once('error', ({ message }) => ended(message));
      child.once('exit', (status, signal) => ended(signal ?? `status ${status}`));
    });
  }

  /** As by Ctrl-C. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (!child) return;
    const gone = once(child, 'exit');
    if (child.connected) child.disconnect();
    const limit = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await gone;
    clearTimeout(limit);
  }

  #died(how: string): void {
    if (this.#isStopping) return;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures++, LONGEST_PAUSE_MS);
    this.#options.logger.error({}, `broker ${this.id} has ended (${how}): starting it again in ${pauseMs} ms`);
    this.#restart = setTimeout(() => void this.#startAgain(), pauseMs);
  }

  async #startAgain(): Promise<void> {
    try {
      await this.start();
      this.#failures = 0;
      this.#options.logger.info({}, `broker ${this.id} is running again`);
    } catch {
      this.#died('it did not start');
    }
  }
}
