// DeleteRecords is durable: once it is confirmed, the log never starts at a lower offset again, while one in-sync replica
// survives.
import { Books } from '../model/books.ts';
import type { Observation, SimPartition } from '../model/observation.ts';
import { type Checker, type Moment } from './checker.ts';

export class DeletionsLast implements Checker {
  readonly name = 'what was deleted stays deleted';
  readonly #starts = new Books<SimPartition, { offset: number; atMs: number }>(() => ({ offset: 0, atMs: 0 }));

  readonly #lost = new Set<string>();

  see(observation: Observation, { monotonic }: Moment): string | undefined {
    if (observation.kind === 'rotten' && observation.isLost)
      this.#lost.add(`${observation.topic}-${observation.index}`);
    if (observation.kind === 'deleted') {
      const start = this.#starts.of(observation.partition);
      if (observation.start > start.offset) Object.assign(start, { offset: observation.start, atMs: monotonic });
    }
    if (observation.kind !== 'bounds' || observation.start === undefined || observation.mayBeStale) return undefined;
    const { topic, index } = observation.partition;
    if (this.#lost.has(`${topic.name}-${index}`)) return undefined;
    const { offset, atMs } = this.#starts.of(observation.partition);
    return observation.start < offset && atMs < observation.askedAt
      ? `${observation.partition.name}: all below ${offset} was deleted, and the log starts at ${observation.start}`
      : undefined;
  }
}
