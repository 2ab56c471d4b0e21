// The high watermark never passes what the replicas in sync have, on the platter: whatever end a client was given, each of
// them has all below it after its power was cut.
import { Books } from '../model/books.ts';
import type { Observation, SimPartition } from '../model/observation.ts';
import { type Checker, Rotten } from './checker.ts';

export class InSyncReplicasHaveIt implements Checker {
  readonly name = 'the high watermark never passes what the replicas in sync have';
  readonly #ends = new Books<SimPartition, { end: number }>(() => ({ end: 0 }));
  readonly #rotten = new Rotten();

  see(observation: Observation): string | undefined {
    this.#rotten.note(observation);
    if (observation.kind === 'bounds') {
      const known = this.#ends.of(observation.partition);
      known.end = Math.max(known.end, observation.end ?? 0);
    }
    if (observation.kind !== 'replica' || this.#rotten.has(observation.partition)) return undefined;
    const { partition, broker, replica } = observation;
    const { end } = this.#ends.of(partition);
    return replica.endOffset >= end
      ? undefined
      : `${partition.name}: broker ${broker} is in sync and ends at ${replica.endOffset}, and clients were told ${end}`;
  }
}
