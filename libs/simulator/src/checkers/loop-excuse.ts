// What excuses the checkers of transactions: a database that lost its last commits may have lost offsets of a transaction
// that were not echoed yet, and a damaged medium may lose records.
import type { Observation } from '../model/observation.ts';

export class LoopExcuse {
  isGiven = false;

  note(observation: Observation): void {
    if (observation.kind === 'database-forgot') this.isGiven = true;
    if (observation.kind === 'rotten' && observation.topic === LOOP_TOPIC) this.isGiven = true;
  }
}

export const LOOP_TOPIC = 'totals';
