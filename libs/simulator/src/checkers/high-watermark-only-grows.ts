// While a broker leads a partition in one epoch, the high watermark that it tells never steps back. And the latest offset,
// which consumers ask for by ListOffsets, never steps back at all: a new leader tells none before it is as far.
import { Books } from '../model/books.ts';
import type { Observation, SimPartition } from '../model/observation.ts';
import { type Checker, type Moment, Rotten } from './checker.ts';

interface Told {
  readonly epoch: number;
  end: number;
  atMs: number;
}

export class HighWatermarkOnlyGrows implements Checker {
  readonly name = 'the high watermark never steps back within an epoch';
  readonly #told = new Books<SimPartition, Map<number, Told>>(() => new Map());
  readonly #rotten = new Rotten();

  see(observation: Observation, { monotonic }: Moment): string | undefined {
    this.#rotten.note(observation);
    if (observation.kind !== 'bounds' || observation.end === undefined || observation.epoch === undefined)
      return undefined;
    const { partition, epoch, end, askedAt, isListed } = observation;
    if (this.#rotten.has(partition)) return undefined;
    const told = this.#told.of(partition);
    for (const before of told.values()) {
      const mustReach = isListed ? before.epoch <= epoch : before.epoch === epoch;
      if (mustReach && end < before.end && before.atMs < askedAt)
        return `${partition.name}: its end was ${before.end} in epoch ${before.epoch} and is ${end} in epoch ${epoch}`;
    }
    const own = told.get(epoch) ?? { epoch, end: 0, atMs: 0 };
    told.set(epoch, own);
    if (end > own.end) Object.assign(own, { end, atMs: monotonic });
    return undefined;
  }
}
