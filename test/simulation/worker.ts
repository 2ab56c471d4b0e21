// Runs its part of the seeds in a separate thread.
import { parentPort, workerData } from 'node:worker_threads';
import { type Conditions, type Outcome, simulate } from '@milepost/simulator';
import { describeFailure } from './report.ts';
import { shrink } from './shrink.ts';

export interface Share {
  readonly first: number;
  readonly step: number;
  /** Exclusive. */
  readonly end: number;
  readonly nodes: number;
  /** Wall time; then a failing life is made smaller, too. */
  readonly untilMs?: number;
}

export interface Told {
  readonly seed: number;
  readonly turns: number;
  readonly virtualMs: number;
  readonly realMs: number;
  readonly failure: string | undefined;
}

const MOST_FAILURES = 3;

const { first, step, end, nodes, untilMs } = workerData as Share;
const isSwarm = untilMs !== undefined;
let failures = 0;
const isOver = (): boolean => failures >= MOST_FAILURES || (untilMs !== undefined && Date.now() >= untilMs);
for (let seed = first; seed < end && !isOver(); seed += step) await live(seed);

async function live(seed: number): Promise<void> {
  const started = performance.now();
  const conditions = { nodes };
  const outcome = await simulate(seed, conditions);
  const realMs = performance.now() - started;
  const { turns, virtualMs } = outcome;
  const failure = outcome.violation && (await describe(outcome, conditions));
  if (failure !== undefined) failures++;
  parentPort?.postMessage({ seed, turns, virtualMs, realMs, failure } satisfies Told);
}

async function describe(outcome: Outcome, conditions: Conditions): Promise<string> {
  if (!isSwarm) return describeFailure(outcome, conditions);
  const shrunk = await shrink(outcome, conditions);
  const { faults } = outcome;
  const left = shrunk.outcome.faults - (shrunk.conditions.withoutFaults?.length ?? 0);
  return `${describeFailure(shrunk.outcome, shrunk.conditions)}\nshrunk in ${shrunk.attempts} lives: ${left} of ${faults} faults are left`;
}
