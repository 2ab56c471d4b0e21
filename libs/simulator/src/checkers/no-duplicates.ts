// A record of an idempotent producer is stored once, however often it was sent. A producer that left no gap in its
// sequences never receives an error about a gap.
import { Books } from '../model/books.ts';
import type { Observation, SimPartition } from '../model/observation.ts';
import { type Checker, Rotten } from './checker.ts';

export class NoDuplicates implements Checker {
  readonly name = 'an idempotent producer has no duplicates';
  readonly #idempotent = new Books<SimPartition, Set<string>>(() => new Set());
  readonly #places = new Books<SimPartition, Map<string, number>>(() => new Map());
  readonly #rotten = new Rotten();

  see(observation: Observation): string | undefined {
    this.#rotten.note(observation);
    switch (observation.kind) {
      case 'sent':
        if (observation.batch.isIdempotent)
          for (const { text } of observation.batch.records) this.#idempotent.of(observation.batch.partition).add(text);
        return undefined;
      case 'read': {
        const { partition, records } = observation;
        const [idempotent, places] = [this.#idempotent.of(partition), this.#places.of(partition)];
        if (this.#rotten.has(partition)) return undefined;
        for (const { offset, text } of records) {
          if (!idempotent.has(text)) continue;
          const other = places.get(text) ?? offset;
          if (other !== offset) return `${partition.name}: ${text} stands at ${other} and at ${offset}`;
          places.set(text, offset);
        }
        return undefined;
      }
      case 'gap-told': {
        const { batch, error } = observation;
        if (this.#rotten.has(batch.partition)) return undefined;
        return `${batch.partition.name}: all before ${batch.records[0]?.text} is acknowledged, and the answer to it is ${error}`;
      }
      default:
        return undefined;
    }
  }
}
