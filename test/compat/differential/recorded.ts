// The responses of Apache Kafka 4.3.1, as last recorded: one line for each, one file for an area of scenarios.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { here } from '../suite.ts';
import type { Line } from './stage.ts';

const folder = here('differential', 'kafka-4.3.1');

const areaOf = ({ scenario }: Line): string => scenario.split('/')[0] as string;

export function readRecorded(): Line[] {
  return readdirSync(folder).flatMap((name) =>
    readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line),
  );
}

/** The recordings of scenarios that were not played are retained. */
export function record(lines: readonly Line[], known: ReadonlySet<string>): void {
  mkdirSync(folder, { recursive: true });
  const played = new Set(lines.map(({ scenario }) => scenario));
  const kept = readRecorded().filter(({ scenario }) => known.has(scenario) && !played.has(scenario));
  const all = Map.groupBy([...kept, ...lines], areaOf);
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  for (const [area, own] of all) {
    const sorted = own.toSorted((a, b) => (a.scenario < b.scenario ? -1 : a.scenario > b.scenario ? 1 : 0));
    writeFileSync(join(folder, `${area}.jsonl`), sorted.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
}
