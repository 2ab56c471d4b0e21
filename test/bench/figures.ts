// The parts of a figure: percentiles, the machine, the file of results.
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, totalmem } from 'node:os';

export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** Of several rounds; `value` is then the median. */
  readonly least?: number;
  readonly most?: number;
  /** The method, so that the figure has a meaning. */
  readonly how: string;
}

export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** Prints the rows; those of a whole run are written to a file too. `about`: the name of a separate file. */
export function report(rows: readonly Row[], isWhole: boolean, about = ''): void {
  const widest = Math.max(44, ...rows.map(({ name }) => name.length));
  for (const { name, value, unit, how } of rows)
    process.stdout.write(`${name.padEnd(widest)} ${String(rounded(value)).padStart(10)} ${unit.padEnd(12)} ${how}\n`);
  process.stdout.write('the generator shares the machine: trust ratios, not single figures\n');
  if (isWhole) write(rows, about);
}

function write(rows: readonly Row[], about: string): void {
  const machine = {
    cpu: cpus()[0]?.model.trim(),
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    system: `${platform()} ${arch()} ${release()}`,
    node: process.version,
  };
  mkdirSync('test/bench/results', { recursive: true });
  const taken = new Date().toISOString();
  const file = `test/bench/results/${taken.slice(0, 10)}${about && `-${about}`}.json`;
  writeFileSync(file, `${JSON.stringify({ taken, machine, rows }, null, 2)}\n`);
  process.stdout.write(`written to ${file}\n`);
}

export const rounded = (value: number): number => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
