// A foreign suite: tests of another project, each run in a separate process against one broker. Beside it are
// `kafka-4.3.1.txt` (the results of Apache Kafka itself: `class name outcome` a line), `must-pass.txt` (the tests that
// this broker must pass) and FINDINGS.md (the reasons for the others).
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrokerUnderTest } from './brokers.ts';

export type Outcome = 'PASSED' | 'FAILED' | 'SKIPPED';

export interface Entry {
  /** The required kind of broker: `noautocreate` tests need topics that are only created explicitly. */
  readonly kind: string;
  readonly name: string;
  /** Apache Kafka's own result, in the same environment. */
  readonly kafka: Outcome;
}

export interface Verdict {
  readonly outcome: Outcome;
  /** The test's own message, or what this machine lacks for it; '' if it skipped itself. */
  readonly reason: string;
}

export interface Suite {
  readonly name: string;
  readonly entries: readonly Entry[];
  readonly mustPass: ReadonlySet<string>;
  /** Builds it, once. A text is the reason why it is unavailable here. */
  prepare(): Promise<string | undefined>;
  run(entry: Entry, broker: BrokerUnderTest): Promise<Verdict>;
  /** After the last test. */
  close?(): Promise<void>;
}

export const here = (...path: string[]): string => fileURLToPath(new URL(join(...path), import.meta.url));

/** Outside git: what was downloaded and built, and the output of every test. */
export const cache = (...path: string[]): string => resolve('.cache', 'compat', ...path);

export const entriesIn = (path: string): Entry[] =>
  lines(path).map((line) => {
    const [kind = '', name = '', kafka] = line.split(' ');
    return { kind, name, kafka: kafka as Outcome };
  });

export const namesIn = (path: string): ReadonlySet<string> => new Set(lines(path));

const lines = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

export interface Ran {
  /** -1: killed, by the limit or by a signal. */
  readonly status: number;
  readonly output: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly limitMs?: number;
}

/**
 * Its whole output goes to a file in .cache/compat/logs, the end of it into the result. The limit kills its children
 * too.
 */
export async function run(
  logName: string,
  file: string,
  args: readonly string[],
  { cwd, env, limitMs = 600_000 }: RunOptions = {},
): Promise<Ran> {
  mkdirSync(cache('logs'), { recursive: true });
  const log = createWriteStream(cache('logs', `${logName}.log`));
  const options = { cwd, env: { ...process.env, ...env }, stdio: 'pipe', detached: true } as const;
  return new Promise((done) => {
    const child = spawn(file, args, options);
    const stop = (): void => void (child.pid && process.kill(-child.pid, 'SIGKILL'));
    const limit = setTimeout(stop, limitMs);
    let output = '';
    const keep = (chunk: string): void => {
      log.write(chunk);
      output = (output + chunk).slice(-MOST_OUTPUT_KEPT);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', (error) => keep(`${error.message}\n`));
    child.once('close', (code) => {
      clearTimeout(limit);
      log.end();
      done({ status: code ?? -1, output });
    });
  });
}

const MOST_OUTPUT_KEPT = 1_000_000;
