// Every case, in the order of running.
import type { ClusterCase } from '../cluster-case.ts';
import { drain } from './drain.ts';
import { freeze } from './freeze.ts';
import { kill } from './kill.ts';
import { lostForGood } from './lost-for-good.ts';
import { move } from './move.ts';
import { oneMachine } from './one-machine.ts';
import { rollingRestart } from './rolling-restart.ts';
import { twoLostForGood } from './two-lost-for-good.ts';
import { wiped } from './wiped.ts';

export const cases: readonly ClusterCase[] = [
  kill,
  rollingRestart,
  drain,
  freeze,
  wiped,
  move,
  lostForGood,
  twoLostForGood,
  oneMachine,
];
