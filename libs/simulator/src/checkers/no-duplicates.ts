// A record of an idempotent producer is stored once, however often it was sent. A producer that left no gap in its
// sequences never receives an error about a gap. In a replicated partition this holds as long as the record is in the log:
// a replica that starts where its leader's log starts knows nothing of the producers before, as in Kafka. As a leader it takes
// any sequence of theirs.
import { Books } from '../model/books.ts';
import type { Observation, SimPartition } from '../model/observation.ts';
import { type Checker, Rotten } from './checker.ts';

export class NoDuplicates implements Checker {
  readonly name = 'an idempotent producer has no duplicates';
  readonly #idempotent = new Books<SimPartition, Set<string>>(() => new Set());
  readonly #places = new Books<SimPartition, Map<string, number>>(() => new Map());
  /** Partitions of several replicas from which records were deleted. */
  readonly #shortened = new Set<SimPartition>();
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
      case 'bounds': {
        const { partition, start = 0 } = observation;
        if (partition.topic.replicas === 1 || start === 0) return undefined;
        this.#shortened.add(partition);
        const places = this.#places.of(partition);
        for (const [text, offset] of places) if (offset < start) places.delete(text);
        return undefined;
      }
      case 'gap-told': {
        const { batch, error, isOvertaken } = observation;
        if (this.#rotten.has(batch.partition)) return undefined;
        if (isOvertaken && this.#shortened.has(batch.partition)) return undefined;
        return `${batch.partition.name}: all before ${batch.records[0]?.text} is acknowledged, and the answer to it is ${error}`;
      }
      default:
        return undefined;
    }
  }
}
