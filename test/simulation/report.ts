// The report of a failure: the seed, the violated sentence, the last events, and the command to reproduce it.
import type { Conditions, Outcome } from '@milepost/simulator';

const LAST_EVENTS = 60;

export function describeFailure(
  { seed, violation, lastEvents }: Outcome,
  conditions: Conditions = {},
  events = LAST_EVENTS,
): string {
  return [
    `seed ${seed}: "${violation?.checker}" does not hold`,
    `  ${violation?.what}`,
    `the last ${events} events:`,
    ...lastEvents(events).map((line) => line.slice(0, 300)),
    `again: npm run simulate -- --seed ${seed}${optionsOf(conditions)}`,
  ].join('\n');
}

function optionsOf({ nodes = 1, ...more }: Conditions): string {
  const count = nodes === 1 ? '' : ` --nodes ${nodes}`;
  return Object.keys(more).length === 0 ? count : `${count} --conditions '${JSON.stringify(more)}'`;
}
