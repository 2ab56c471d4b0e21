// The results of the suites' last whole runs: a small file each in test/compat/results, written with `--write`, from
// which docs/COMPATIBILITY.md is generated.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { here } from './suite.ts';

export interface Result {
  /** The day of the run. */
  readonly date: string;
  readonly minutes: number;
  /** By kind of test: of those that Apache Kafka passes. */
  readonly kinds: Readonly<Record<string, { readonly kafka: number; readonly passed: number }>>;
  /** By name: its message. */
  readonly failed: Readonly<Record<string, string>>;
  /** By name: the day on which a test was run alone, after that whole run; its result replaces the earlier one. */
  readonly since?: Readonly<Record<string, string>>;
}

const MOST_SAID = 160;
const path = (suite: string): string => here('results', `${suite}.json`);

export function readResult(suite: string): Result | undefined {
  return existsSync(path(suite)) ? (JSON.parse(readFileSync(path(suite), 'utf8')) as Result) : undefined;
}

export function writeResult(suite: string, { failed, ...result }: Result): void {
  mkdirSync(here('results'), { recursive: true });
  const said = Object.entries(failed).map(([name, why]) => [name, why.slice(0, MOST_SAID).trim()] as const);
  const sorted = Object.fromEntries(said.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(path(suite), `${JSON.stringify({ ...result, failed: sorted }, undefined, 2)}\n`);
}
