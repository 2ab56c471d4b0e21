// Below the high watermark the replicas in sync are the same, byte for byte: batches, offsets and leader epochs.
import { Books } from '../model/books.ts';
import type { Observation, SimPartition } from '../model/observation.ts';
import { type Checker, Rotten } from './checker.ts';

interface Committed {
  end: number;
  /** By offset, and who had it first. */
  readonly batches: Map<number, { readonly batch: string; readonly broker: number }>;
}

export class ReplicasAgree implements Checker {
  readonly name = 'replicas agree byte for byte below the high watermark';
  readonly #committed = new Books<SimPartition, Committed>(() => ({ end: 0, batches: new Map() }));
  readonly #rotten = new Rotten();

  see(observation: Observation): string | undefined {
    this.#rotten.note(observation);
    if (observation.kind === 'bounds') {
      const committed = this.#committed.of(observation.partition);
      committed.end = Math.max(committed.end, observation.end ?? 0);
    }
    if (observation.kind !== 'replica' || this.#rotten.has(observation.partition)) return undefined;
    const { partition, broker, replica } = observation;
    const { end, batches } = this.#committed.of(partition);
    for (const { baseOffset, nextOffset, checksum } of replica.batches) {
      if (nextOffset > end) return undefined;
      const batch = `${baseOffset} to ${nextOffset} with checksum ${checksum}`;
      for (let offset = baseOffset; offset < nextOffset; offset++) {
        const first = batches.get(offset) ?? { batch, broker };
        batches.set(offset, first);
        if (first.batch !== batch)
          return `${partition.name}: at ${offset} broker ${first.broker} has ${first.batch}, and broker ${broker} ${batch}`;
      }
    }
    return undefined;
  }
}
