// Runs its part of the seeds in a separate thread.
import { parentPort, workerData } from 'node:worker_threads';
import { simulate } from '@milepost/simulator';
import { describeFailure } from './report.ts';

export interface Share {
  readonly first: number;
  readonly step: number;
  readonly end: number;
}

export interface Told {
  readonly seed: number;
  readonly turns: number;
  readonly virtualMs: number;
  readonly failure: string | undefined;
}

const MOST_FAILURES = 3;

const { first, step, end } = workerData as Share;
let failures = 0;
for (let seed = first; seed < end && failures < MOST_FAILURES; seed += step) {
  const outcome = await simulate(seed);
  const { turns, virtualMs } = outcome;
  const failure = outcome.violation && describeFailure(outcome);
  if (failure !== undefined) failures++;
  parentPort?.postMessage({ seed, turns, virtualMs, failure } satisfies Told);
}
