// The result of a run: a line for each test, the counts, and the exit status by the must-pass list.
import { writeResult } from './results.ts';
import type { Entry, Suite, Verdict } from './suite.ts';

export class Tally {
  readonly #suite: Suite;
  readonly #counts = { PASSED: 0, FAILED: 0, SKIPPED: 0 };
  readonly #broken: string[] = [];
  readonly #kinds: Record<string, { kafka: number; passed: number }> = {};
  readonly #failed: Record<string, string> = {};
  readonly #began = performance.now();
  #kafka = 0;
  #shared = 0;

  constructor(suite: Suite) {
    this.#suite = suite;
  }

  add({ kind, name, kafka }: Entry, { outcome, reason }: Verdict, seconds: number): void {
    this.#counts[outcome]++;
    if (kafka === 'PASSED') {
      const own = (this.#kinds[kind] ??= { kafka: 0, passed: 0 });
      own.kafka++;
      this.#kafka++;
      if (outcome === 'PASSED') {
        own.passed++;
        this.#shared++;
      } else this.#failed[name] = reason || 'skipped itself';
    }
    const isExcused = outcome === 'SKIPPED' && reason !== '';
    if (outcome !== 'PASSED' && !isExcused && this.#suite.mustPass.has(name)) this.#broken.push(name);
    const expected = outcome === kafka ? '' : ` (Apache Kafka: ${kafka})`;
    const line = `${outcome.padEnd(7)} ${kind} ${name}${expected} ${seconds.toFixed(1)} s ${reason}`;
    process.stdout.write(`${line.trimEnd()}\n`);
  }

  /** Into test/compat/results: of a whole run only. */
  write(): void {
    writeResult(this.#suite.name, {
      date: new Date().toISOString().slice(0, 10),
      minutes: Math.ceil((performance.now() - this.#began) / 60_000),
      kinds: this.#kinds,
      failed: this.#failed,
    });
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
