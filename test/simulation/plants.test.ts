// The simulator finds the bugs of one node that it is made for: each planted bug within 500 seeds.
import { findingOf, firstFound } from './planted-bug.ts';
import { plantedBugs } from './plants.ts';

test.each(plantedBugs)(
  '$name is found',
  async (bug) => {
    const found = await firstFound(bug);
    console.info(findingOf(bug, found));
    expect(bug.breaks).toContain(found?.violation?.checker);
  },
  1_800_000,
);
