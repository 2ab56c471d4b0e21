// A small runner: cases one after another, skipped ones with their reason, one closing line with the counts.
import { spawn } from 'node:child_process';

export interface Finished {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A hanging program is killed. No case may fail because the machine is slow. */
const COMMAND_LIMIT_MS = 600_000;

/** Runs a foreign program to its end. The caller judges a nonzero status; a program that hangs is killed. */
export function command(
  file: string,
  args: readonly string[],
  input?: string,
  { env = {}, limitMs = COMMAND_LIMIT_MS }: { env?: Readonly<Record<string, string>>; limitMs?: number } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    // Node's own `timeout` would keep running for a missing program, and keep this process alive.
    const limit = setTimeout(() => child.kill(), limitMs);
    let stdout = '';
    let stderr = '';
    // Decoded by the stream: a character of several bytes may arrive in two chunks.
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.once('error', (failure) => {
      clearTimeout(limit);
      reject(failure);
    });
    child.once('close', (code) => {
      clearTimeout(limit);
      resolve({ status: code ?? -1, stdout, stderr });
    });
    child.stdin.on('error', () => {}); // the program may be gone before it has read anything
    child.stdin.end(input);
  });
}

/** Undefined if it can be run; else the reason why not. */
export async function missing(file: string, ...args: string[]): Promise<string | undefined> {
  return command(file, args).then(
    () => undefined,
    () => `${file} is not installed`,
  );
}

/** A claim that did not hold; the message shows what was seen. */
export function check(holds: boolean, claim: string, seen: unknown): asserts holds {
  if (!holds)
    throw new Error(`${claim}; seen: ${typeof seen === 'string' ? seen.slice(-2_000) : JSON.stringify(seen)}`);
}

/** The result of a case. */
export interface Outcome {
  readonly name: string;
  /** Undefined: it passed. */
  readonly problem: string | undefined;
}

export class Report {
  /** Of the cases that were run. */
  readonly outcomes: Outcome[] = [];
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  async run(name: string, body: () => Promise<void>): Promise<void> {
    const began = performance.now();
    try {
      await body();
      this.#passed += 1;
      this.outcomes.push({ name, problem: undefined });
      process.stdout.write(`ok      ${name} (${Math.round(performance.now() - began)} ms)\n`);
    } catch (error) {
      this.#failed += 1;
      const problem = error instanceof Error ? error.message : String(error);
      this.outcomes.push({ name, problem });
      process.stdout.write(`FAILED  ${name}: ${problem}\n`);
    }
  }

  skip(name: string, reason: string): void {
    this.#skipped += 1;
    process.stdout.write(`skipped ${name}: ${reason}\n`);
  }

  /** Prints the counts; the process's exit status follows from them. */
  close(): void {
    process.stdout.write(`${this.#passed} passed, ${this.#failed} failed, ${this.#skipped} skipped\n`);
    if (this.#failed > 0) process.exitCode = 1;
  }
}
