// The simulator finds the bugs of a cluster that it is made for: each planted bug within 500 seeds of three nodes.
import { clusterBugs } from '../cluster-plants.ts';
import { eachIsFound } from '../planted-bug.ts';

eachIsFound(clusterBugs.map((bug) => ({ ...bug, nodes: 3 })));
