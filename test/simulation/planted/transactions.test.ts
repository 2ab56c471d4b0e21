// Lives of one node with transactions and a planted bug in each, until the bug is found.
import { eachIsFound } from '../planted-bug.ts';
import { plantedBugs } from '../transaction-plants.ts';

eachIsFound(plantedBugs);
