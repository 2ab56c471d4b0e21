// A bug that a test plants in order to see it found.
import { type Outcome, type Plants, type Scenario, simulate } from '@milepost/simulator';

export interface PlantedBug {
  readonly name: string;
  /** The sentences that it breaks: another one would be a real bug. */
  readonly breaks: readonly string[];
  /** The scenario of its lives, if few seeds would choose it: the test does not wait for the others. */
  readonly scenario?: Partial<Scenario>;
  /** The number of nodes of its lives; 1 by default. */
  readonly nodes?: number;
  /** The first seed that is tried, for a rare one: near where it was found last, so that the test does not search for minutes. */
  readonly from?: number;
  /** The wrappers between the broker and its world. */
  readonly plants?: Plants;
  /** Puts the bug into the code; the returned function removes it. */
  readonly plant?: () => () => void;
}

/** Each planted bug is found within so many lives. */
const MOST_SEEDS = 500;

/** A test for each of them. */
export function eachIsFound(bugs: readonly PlantedBug[]): void {
  test.each(bugs)(
    '$name is found',
    async (bug) => {
      const { violation, seed } = (await firstFound(bug)) ?? {};
      console.info(`${bug.name}: found at seed ${seed}: "${violation?.checker}": ${violation?.what}`);
      expect(bug.breaks).toContain(violation?.checker);
    },
    1_800_000,
  );
}

/** The first life that breaks a promise with the bug planted. */
async function firstFound(bug: PlantedBug): Promise<Outcome | undefined> {
  const { from = 1, nodes = 1, scenario = {}, plants = {}, plant } = bug;
  const takeOut = plant?.();
  try {
    for (let seed = from; seed < from + MOST_SEEDS; seed++) {
      const outcome = await simulate(seed, { nodes, plants, scenario });
      if (outcome.violation) return outcome;
    }
    return undefined;
  } finally {
    takeOut?.();
  }
}

export const methodOf = <Target, Name extends keyof Target>(target: Target, name: Name): Target[Name] => target[name];

/** Replaces a property of a prototype. The returned function restores it. */
export function replaced(prototype: object, name: string, by: PropertyDescriptor): () => void {
  const original = Object.getOwnPropertyDescriptor(prototype, name);
  if (!original) throw new Error(`there is no ${name} to put a bug into`);
  Object.defineProperty(prototype, name, { ...by, configurable: true });
  return () => Object.defineProperty(prototype, name, original);
}
