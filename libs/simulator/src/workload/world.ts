// The environment of every client of the workload: time, network, chance, the topics, and the function to report
// observations.
import type { Address } from '@milepost/core';
import type { Observation, SimPartition } from '../model/observation.ts';
import type { SimClock } from '../sim-clock.ts';
import type { SimNetwork } from '../sim-network.ts';
import type { SimRandom } from '../sim-random.ts';
import type { Outstanding } from './outstanding.ts';
import type { TopicBook } from './topic-book.ts';

export interface World {
  readonly clock: SimClock;
  readonly network: SimNetwork;
  /** The brokers' addresses: clients connect to any of them first. */
  readonly bootstrap: readonly Address[];
  /** Of the nodes' machines; they can be set. */
  readonly wallClocks: readonly (() => number)[];
  readonly random: SimRandom;
  readonly topics: TopicBook;
  readonly outstanding: Outstanding;
  /** Faults end first, then the workload. When it is over, every broker knows the leaders. */
  readonly phase: 'chaos' | 'calm' | 'over';
  /** Whether the broker at that address owns the group's shard, by the database. */
  coordinates(group: string, broker: Address): boolean;
  /** Whether the broker at that address leads the partition, by the database. */
  leads(partition: SimPartition, broker: Address): boolean;
  see(observation: Observation): void;
  note(what: string): void;
}

export const sleep = (world: Pick<World, 'clock'>, ms: number): Promise<void> =>
  new Promise((resolve) => world.clock.after(ms, resolve));

/** A producer's wall clock: that of a node's machine, or of another one, which is correct. */
export function someWallClock({ clock, wallClocks }: World, random: SimRandom): () => number {
  return random.chance(0.5) ? () => clock.now() : random.pick(wallClocks);
}

/** The responding broker may not know yet that another one leads the partition: its response can be out of date. */
export const mayBeStale = ({ phase }: World, { topic }: SimPartition): boolean =>
  topic.replicas > 1 && phase !== 'over';

/** From `least` to `most`, inclusive. */
export const between = (random: SimRandom, least: number, most: number): number =>
  least + random.below(most - least + 1);
