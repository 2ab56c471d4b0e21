// A reader that continues to fetch reaches the end of the log, with or without a fetch session: the node never omits a
// response that the reader needs.
import type { Observation } from '../model/observation.ts';
import type { Checker } from './checker.ts';

export class ReadersComeToTheEnd implements Checker {
  readonly name = 'whoever reads on comes to the end';

  see(observation: Observation): string | undefined {
    if (observation.kind !== 'left-behind') return undefined;
    const { reader, partition, offset, end } = observation;
    return `${partition.name}: ${reader} stays at ${offset}, and the log ends at ${end}`;
  }
}
