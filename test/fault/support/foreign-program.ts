// A foreign program that prints lines. It runs until it is stopped as by Ctrl-C, or killed as by kill -9; `complaint` says what a
// program that ended by itself wrote to its standard error.
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { cleanUpWith } from '../../support/program.ts';

const MOST_COMPLAINTS_KEPT = 4_000;

export class ForeignProgram {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #ended: Promise<void>;
  #complaints = '';
  #isExpectedToEnd = false;
  #complaint: string | undefined;

  constructor(child: ChildProcessByStdio<null, Readable, Readable>, onLine: (line: string) => void = () => {}) {
    this.#child = child;
    const lines = createInterface({ input: child.stdout }).on('line', onLine);
    const isRead = new Promise<void>((resolve) => lines.once('close', resolve));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-MOST_COMPLAINTS_KEPT);
    });
    const isGone = new Promise<void>((resolve) => {
      child.once('close', (status, signal) => {
        if (!this.#isExpectedToEnd) this.#complaint = `it ended (${signal ?? status}): ${this.#complaints}`;
        resolve();
      });
      child.once('error', (failure) => {
        this.#complaint = failure.message;
        resolve();
      });
    });
    this.#ended = Promise.all([isRead, isGone]).then(() => {});
    cleanUpWith(() => this.kill());
  }

  /** Undefined while it runs, and after it was stopped or killed. */
  get complaint(): string | undefined {
    return this.#complaint;
  }

  /** Like Ctrl-C. Resolves when its last line was read. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  /** Resolves when its last line was read. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#isExpectedToEnd = true;
    this.#child.kill(signal);
    return this.#ended;
  }
}
