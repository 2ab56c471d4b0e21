// Once a producer or a reader has seen a record at an offset, no other record is ever seen there.
import { Books } from '../model/books.ts';
import type { Observation, SimPartition } from '../model/observation.ts';
import { type Checker, Rotten } from './checker.ts';

export class OffsetsNeverReused implements Checker {
  readonly name = 'no offset is given out twice';
  readonly #given = new Books<SimPartition, Map<number, string>>(() => new Map());
  readonly #rotten = new Rotten();

  see(observation: Observation): string | undefined {
    this.#rotten.note(observation);
    switch (observation.kind) {
      case 'acknowledged': {
        const { batch, baseOffset } = observation;
        return this.#all(
          batch.partition,
          batch.records.map(({ text }, at) => ({ offset: baseOffset + at, text })),
        );
      }
      case 'read':
        return this.#all(observation.partition, observation.records);
      default:
        return undefined;
    }
  }

  #all(partition: SimPartition, records: readonly { offset: number; text: string }[]): string | undefined {
    if (this.#rotten.has(partition)) return undefined;
    const given = this.#given.of(partition);
    for (const { offset, text } of records) {
      const before = given.get(offset);
      if (before !== undefined && before !== text)
        return `${partition.name}: offset ${offset} was ${before} and is ${text}`;
      given.set(offset, text);
    }
    return undefined;
  }
}
