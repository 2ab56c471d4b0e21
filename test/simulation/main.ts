// Lives of a whole node from seeds.
//   npm run test:simulation                new seeds, on all cores; fails with the first violation
//   npm run test:simulation -- --seeds 2000 [--base 7]
//   npm run simulate -- --seed 42 [--events 500]     one life again, with its last events
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { simulate } from '@milepost/simulator';
import { firstSeed } from '../support/first-seed.ts';
import { describeFailure } from './report.ts';
import type { Share, Told } from './worker.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    events: { type: 'string', default: '60' },
    seeds: { type: 'string', default: '600' },
    base: { type: 'string' },
  },
});

process.exitCode = values.seed === undefined ? await many() : await one(Number(values.seed));

async function one(seed: number): Promise<number> {
  const outcome = await simulate(seed);
  const events = Number(values.events);
  console.log(outcome.violation ? describeFailure(outcome, events) : outcome.lastEvents(events).join('\n'));
  const { hash, turns, virtualMs } = outcome;
  console.log(`seed ${seed}: ${turns} events, ${(virtualMs / 1000).toFixed(1)} s, trace ${hash}`);
  return outcome.violation ? 1 : 0;
}

async function many(): Promise<number> {
  const seeds = Number(values.seeds);
  const base = values.base === undefined ? firstSeed() : Number(values.base);
  const cores = Math.min(availableParallelism(), seeds);
  console.log(`${seeds} seeds from ${base} on, on ${cores} cores`);
  const started = performance.now();
  const shares = Array.from(
    { length: cores },
    (_, first): Share => ({ first: base + first, step: cores, end: base + seeds }),
  );
  const told = (await Promise.all(shares.map(inWorker))).flat();
  const seconds = (performance.now() - started) / 1000;
  const failures = told.flatMap(({ failure }) => failure ?? []);
  const turns = told.reduce((sum, one) => sum + one.turns, 0);
  const virtualSeconds = told.reduce((sum, one) => sum + one.virtualMs, 0) / 1000;
  console.log(
    `${told.length} seeds, ${turns} events, ${(virtualSeconds / 3600).toFixed(2)} hours of virtual time in ${seconds.toFixed(0)} s: ` +
      `${(told.length / seconds).toFixed(1)} seeds/s, ${(virtualSeconds / seconds).toFixed(0)} times real time; ${failures.length} violations`,
  );
  return failures.length > 0 || told.length < seeds ? 1 : 0;
}

/** A part of the seeds; it ends early after enough violations. */
function inWorker(share: Share): Promise<Told[]> {
  return new Promise((resolve, reject) => {
    const told: Told[] = [];
    const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData: share });
    worker.on('message', (one: Told) => {
      told.push(one);
      if (one.failure !== undefined) console.log(`\n${one.failure}\n`);
    });
    worker.on('error', reject);
    worker.on('exit', () => resolve(told));
  });
}
