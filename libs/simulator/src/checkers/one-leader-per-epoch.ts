// A leader epoch of a partition belongs to one broker, whichever broker is asked, and whatever the database forgets.
import { Books } from '../model/books.ts';
import type { Observation, SimPartition } from '../model/observation.ts';
import type { Checker } from './checker.ts';

export class OneLeaderPerEpoch implements Checker {
  readonly name = 'a partition has one leader in each epoch';
  readonly #leaders = new Books<SimPartition, Map<number, number>>(() => new Map());

  see(observation: Observation): string | undefined {
    if (observation.kind !== 'leader-told') return undefined;
    const { partition, leader, epoch } = observation;
    const leaders = this.#leaders.of(partition);
    const other = leaders.get(epoch) ?? leader;
    leaders.set(epoch, other);
    return leader === other ? undefined : `${partition.name}: ${other} and ${leader} both lead in epoch ${epoch}`;
  }
}
