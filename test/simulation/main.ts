// Lives of a whole cluster from seeds (docs/decisions/0043 has what they are held to).
//   npm run test:simulation                new seeds, on all cores: 600 of one node and half as many of three; fails with the
//                                          first violations
//   npm run test:simulation -- --seeds 2000 [--base 7] [--nodes 3]
//   npm run test:swarm -- --minutes 60     new seeds for that long; a failing life is made smaller before it is printed
//   npm run simulate -- --seed 42 [--nodes 3] [--events 500] [--conditions '{…}']     one life again, with its last events
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type Conditions, simulate } from '@milepost/simulator';
import { firstSeed } from '../support/first-seed.ts';
import { describeFailure } from './report.ts';
import type { Share, Told } from './worker.ts';

/** The first seed of the clusters in CI, until new ones hold as those of one node do: docs/decisions/0015. */
const CLUSTERS_IN_CI = 1_200_000_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    events: { type: 'string', default: '60' },
    conditions: { type: 'string', default: '{}' },
    seeds: { type: 'string', default: '600' },
    base: { type: 'string' },
    nodes: { type: 'string' },
    minutes: { type: 'string' },
  },
});

const nodesIn = (nodes: number): string => (nodes === 1 ? 'one node' : `${nodes} nodes`);

process.exitCode = values.seed === undefined ? await several() : await one(Number(values.seed));

async function one(seed: number): Promise<number> {
  const given = JSON.parse(values.conditions) as Conditions;
  const conditions = { nodes: Number(values.nodes ?? 1), ...given };
  const outcome = await simulate(seed, conditions);
  const events = Number(values.events);
  console.log(outcome.violation ? describeFailure(outcome, conditions, events) : outcome.lastEvents(events).join('\n'));
  const { hash, turns, virtualMs } = outcome;
  console.log(`seed ${seed}: ${turns} events, ${(virtualMs / 1000).toFixed(1)} s, trace ${hash}`);
  return outcome.violation ? 1 : 0;
}

async function several(): Promise<number> {
  const base = values.base === undefined ? firstSeed() : Number(values.base);
  const seeds = Number(values.seeds);
  if (values.minutes !== undefined)
    return many({ base, seeds: 2 ** 31, nodes: Number(values.nodes ?? 3), minutes: Number(values.minutes) });
  if (values.nodes !== undefined) return many({ base, seeds, nodes: Number(values.nodes) });
  const alone = await many({ base, seeds, nodes: 1 });
  const clusters = await many({
    base: process.env['CI'] ? CLUSTERS_IN_CI : base,
    seeds: Math.ceil(seeds / 2),
    nodes: 3,
  });
  return Math.max(alone, clusters);
}

interface Run {
  /** The first seed. */
  readonly base: number;
  readonly seeds: number;
  readonly nodes: number;
  /** Ends it before all seeds are tried. */
  readonly minutes?: number;
}

async function many({ base, seeds, nodes, minutes }: Run): Promise<number> {
  const count = minutes === undefined ? seeds : 'lives';
  console.log(
    `from seed ${base} on: ${count} of ${nodesIn(nodes)}${minutes === undefined ? '' : `, for ${minutes} minutes`}`,
  );
  const started = performance.now();
  const cores = Math.min(availableParallelism(), seeds);
  const until = minutes === undefined ? {} : { untilMs: Date.now() + minutes * 60_000 };
  const shares = Array.from(
    { length: cores },
    (_, at): Share => ({ first: base + at, step: cores, end: base + seeds, nodes, ...until }),
  );
  const told = (await Promise.all(shares.map(inWorker))).flat();
  const seconds = (performance.now() - started) / 1000;
  describeSpeed(nodes, told);
  const failures = told.flatMap(({ failure }) => failure ?? []);
  console.log(`${told.length} lives in ${seconds.toFixed(0)} s: ${failures.length} violations`);
  const expected = minutes === undefined ? seeds : 1;
  return failures.length > 0 || told.length < expected ? 1 : 0;
}

function describeSpeed(nodes: number, lives: readonly Told[]): void {
  const turns = lives.reduce((sum, one) => sum + one.turns, 0);
  const virtualHours = lives.reduce((sum, one) => sum + one.virtualMs, 0) / 3_600_000;
  const seconds = lives.reduce((sum, one) => sum + one.realMs, 0) / 1000;
  console.log(
    `${nodesIn(nodes)}: ${lives.length} lives, ${turns} events, ${virtualHours.toFixed(2)} hours of virtual time; ` +
      `${((1000 * seconds) / Math.max(1, lives.length)).toFixed(0)} ms for each on one core`,
  );
}

/** A part of the lives; it ends early after enough violations. */
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
