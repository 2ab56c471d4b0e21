// A checker is one sentence about the cluster that must hold. It receives everything that clients see and what an auditor
// finds on the disks, keeps its own records, shares them with no other checker, and returns observations that contradict its sentence.
import type { Observation, SimPartition } from '../model/observation.ts';

export interface Checker {
  /** The sentence in short: the name of a failure. */
  readonly name: string;
  /** `now`: monotonic time. Undefined: nothing is wrong. */
  see(observation: Observation, now: Moment): string | undefined;
}

export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

/** The partitions whose medium was damaged. They may lose records; they must not serve wrong ones. */
export class Rotten {
  readonly #names = new Set<string>();
  note(observation: Observation): void {
    if (observation.kind === 'rotten') this.#names.add(`${observation.topic}-${observation.index}`);
  }
  has({ topic, index }: SimPartition): boolean {
    return this.#names.has(`${topic.name}-${index}`);
  }
}
