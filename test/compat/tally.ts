// What a run comes to: a line a test, the counts, and the exit status by the must-pass list.
import type { Entry, Suite, Verdict } from './suite.ts';

export class Tally {
  readonly #suite: Suite;
  readonly #counts = { PASSED: 0, FAILED: 0, SKIPPED: 0 };
  readonly #broken: string[] = [];
  #kafka = 0;
  #shared = 0;

  constructor(suite: Suite) {
    this.#suite = suite;
  }

  add({ kind, name, kafka }: Entry, { outcome, reason }: Verdict, seconds: number): void {
    this.#counts[outcome]++;
    if (kafka === 'PASSED') this.#kafka++;
    if (kafka === 'PASSED' && outcome === 'PASSED') this.#shared++;
    const isExcused = outcome === 'SKIPPED' && reason !== '';
    if (outcome !== 'PASSED' && !isExcused && this.#suite.mustPass.has(name)) this.#broken.push(name);
    const expected = outcome === kafka ? '' : ` (Apache Kafka: ${kafka})`;
    const line = `${outcome.padEnd(7)} ${kind} ${name}${expected} ${seconds.toFixed(1)} s ${reason}`;
    process.stdout.write(`${line.trimEnd()}\n`);
  }

  close(): void {
    const { PASSED, FAILED, SKIPPED } = this.#counts;
    process.stdout.write(`${this.#suite.name}: ${PASSED} passed, ${FAILED} failed, ${SKIPPED} skipped; `);
    process.stdout.write(`of ${this.#kafka} that Apache Kafka 4.3.1 passes, ${this.#shared} pass\n`);
    if (this.#broken.length === 0) return;
    process.stdout.write(`must pass and did not: ${this.#broken.join(', ')}\n`);
    process.exitCode = 1;
  }
}
