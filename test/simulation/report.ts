// The report of a failure: the seed, the violated sentence, the last events, and the command to reproduce it.
import type { Outcome } from '@milepost/simulator';

const LAST_EVENTS = 60;

export function describeFailure({ seed, violation, lastEvents }: Outcome, events = LAST_EVENTS): string {
  return [
    `seed ${seed}: "${violation?.checker}" does not hold`,
    `  ${violation?.what}`,
    `the last ${events} events:`,
    ...lastEvents(events).map((line) => line.slice(0, 300)),
    `again: npm run simulate -- --seed ${seed}`,
  ].join('\n');
}
