// A checker is one sentence about the node that must hold. It receives everything that clients see, keeps its own
// records, shares them with no other checker, and returns observations that contradict its sentence.
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

/** A value for each key, created on first use. */
export class Books<Key, Value> extends Map<Key, Value> {
  readonly #make: (key: Key) => Value;
  constructor(make: (key: Key) => Value) {
    super();
    this.#make = make;
  }
  of(key: Key): Value {
    let value = this.get(key);
    if (value === undefined) {
      value = this.#make(key);
      this.set(key, value);
    }
    return value;
  }
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
