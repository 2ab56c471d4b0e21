// Whoever reads on comes to the end: no reader is left where it is for want of news, whatever it is told by and with.
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
