// The simulator finds the bugs of a cluster that it is made for: each planted bug within 500 seeds of three nodes.
import { clusterBugs } from './cluster-plants.ts';
import { findingOf, firstFound } from './planted-bug.ts';

test.each(clusterBugs.map((bug) => ({ ...bug, nodes: 3 })))(
  '$name is found',
  async (bug) => {
    const found = await firstFound(bug);
    console.info(findingOf(bug, found));
    expect(bug.breaks).toContain(found?.violation?.checker);
  },
  1_800_000,
);
