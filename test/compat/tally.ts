// The result of a run: a line for each test, the counts, and the exit status by the must-pass list.
import { readResult, type Result, writeResult } from './results.ts';
import type { Entry, Suite, Verdict } from './suite.ts';

export class Tally {
  readonly #suite: Suite;
  readonly #counts = { PASSED: 0, FAILED: 0, SKIPPED: 0 };
  readonly #broken: string[] = [];
  readonly #ran: string[] = [];
  readonly #failed: Record<string, string> = {};
  readonly #began = performance.now();
  #kafka = 0;
  #shared = 0;

  constructor(suite: Suite) {
    this.#suite = suite;
  }

  add({ kind, name, kafka }: Entry, { outcome, reason }: Verdict, seconds: number): void {
    this.#counts[outcome]++;
    this.#ran.push(name);
    if (kafka === 'PASSED') {
      this.#kafka++;
      if (outcome === 'PASSED') this.#shared++;
      else this.#failed[name] = reason || 'skipped itself';
    }
    const isExcused = outcome === 'SKIPPED' && reason !== '';
    if (outcome !== 'PASSED' && !isExcused && this.#suite.mustPass.has(name)) this.#broken.push(name);
    const expected = outcome === kafka ? '' : ` (Apache Kafka: ${kafka})`;
    const line = `${outcome.padEnd(7)} ${kind} ${name}${expected} ${seconds.toFixed(1)} s ${reason}`;
    process.stdout.write(`${line.trimEnd()}\n`);
  }

  /** Into test/compat/results. A run of some tests replaces their results in those of the last whole run. */
  write(isWhole: boolean): void {
    const today = new Date().toISOString().slice(0, 10);
    const before = isWhole ? undefined : readResult(this.#suite.name);
    const others = Object.entries(before?.failed ?? {}).filter(([name]) => !this.#ran.includes(name));
    const failed = { ...Object.fromEntries(others), ...this.#failed };
    writeResult(this.#suite.name, {
      date: before?.date ?? today,
      minutes: before?.minutes ?? Math.ceil((performance.now() - this.#began) / 60_000),
      kinds: this.#kinds(failed),
      failed,
      ...(before && { since: { ...before.since, ...Object.fromEntries(this.#ran.map((name) => [name, today])) } }),
    });
  }

  #kinds(failed: Readonly<Record<string, string>>): Result['kinds'] {
    const judged = Map.groupBy(
      this.#suite.entries.filter(({ kafka }) => kafka === 'PASSED'),
      ({ kind }) => kind,
    );
    const counts = [...judged].map(([kind, entries]) => {
      const passed = entries.filter(({ name }) => !(name in failed)).length;
      return [kind, { kafka: entries.length, passed }] as const;
    });
    return Object.fromEntries(counts);
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
