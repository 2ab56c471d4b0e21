// The simulator finds the bugs of one node that it is made for: each planted bug within 500 seeds.
import { eachIsFound } from '../planted-bug.ts';
import { plantedBugs } from '../plants.ts';

eachIsFound(plantedBugs);
