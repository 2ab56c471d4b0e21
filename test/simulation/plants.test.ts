// The simulator finds the bugs that it is made for: each planted bug within 500 seeds.
import { type Outcome, simulate } from '@milepost/simulator';
import { clusterBugs } from './cluster-plants.ts';
import type { PlantedBug } from './planted-bug.ts';
import { plantedBugs } from './plants.ts';

const MOST_SEEDS = 500;

test.each([...plantedBugs, ...clusterBugs.map((bug) => ({ ...bug, nodes: 3 }))])(
  '$name is found',
  async (bug) => {
    const found = await firstFound(bug);
    console.info(
      `${bug.name}: found at seed ${found?.seed}: "${found?.violation?.checker}": ${found?.violation?.what}`,
    );
    expect(bug.breaks).toContain(found?.violation?.checker);
  },
  1_800_000,
);

async function firstFound({ nodes = 1, scenario = {}, plants = {}, plant }: PlantedBug): Promise<Outcome | undefined> {
  const takeOut = plant?.();
  try {
    for (let seed = 1; seed <= MOST_SEEDS; seed++) {
      const outcome = await simulate(seed, { nodes, plants, scenario });
      if (outcome.violation) return outcome;
    }
    return undefined;
  } finally {
    takeOut?.();
  }
}
