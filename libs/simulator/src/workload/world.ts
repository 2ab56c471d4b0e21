// What every client of the workload uses: time, network, chance, the topics, and the way to report what it sees.
import type { Address } from '@milepost/core';
import type { Observation } from '../model/observation.ts';
import type { SimClock } from '../sim-clock.ts';
import type { SimNetwork } from '../sim-network.ts';
import type { SimRandom } from '../sim-random.ts';
import type { Outstanding } from './outstanding.ts';
import type { TopicBook } from './topic-book.ts';

export interface World {
  readonly clock: SimClock;
  readonly network: SimNetwork;
  /** Where clients connect first. */
  readonly bootstrap: Address;
  /** Of the nodes' machines, which somebody may set. */
  readonly wallClocks: readonly (() => number)[];
  readonly random: SimRandom;
  readonly topics: TopicBook;
  readonly outstanding: Outstanding;
  /** Faults come to an end, and then the workload. */
  readonly phase: 'chaos' | 'calm' | 'over';
  see(observation: Observation): void;
  note(what: string): void;
}

export const sleep = (world: Pick<World, 'clock'>, ms: number): Promise<void> =>
  new Promise((resolve) => world.clock.after(ms, resolve));

/** A producer's: on the machine of a node, or on another one, whose wall clock is right. */
export function someWallClock({ clock, wallClocks }: World, random: SimRandom): () => number {
  return random.chance(0.5) ? () => clock.now() : random.pick(wallClocks);
}

/** From least to most. */
export const between = (random: SimRandom, least: number, most: number): number =>
  least + random.below(most - least + 1);
