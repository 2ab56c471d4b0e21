// The topics that exist, as far as the workload knows, and those whose deletion it has requested.
import type { Uuid } from '@milepost/core';
import { partitionsOf, type SimPartition, type SimTopic } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';

export class TopicBook {
  readonly #known = new Map<Uuid, SimPartition[]>();
  readonly #leaving = new Set<Uuid>();

  made(topic: SimTopic): void {
    this.#known.set(topic.id, partitionsOf(topic));
  }
  /** From here on the checkers expect nothing of the topic. */
  leaving(topic: SimTopic): void {
    this.#leaving.add(topic.id);
  }
  gone(topic: SimTopic): void {
    this.#known.delete(topic.id);
  }

  /** Only these topics exist in the database. */
  forgottenBut(known: ReadonlySet<Uuid>): void {
    for (const [id, [partition]] of this.#known) {
      if (known.has(id) || !partition) continue;
      this.leaving(partition.topic);
      this.gone(partition.topic);
    }
  }
  /** Its deletion was requested, or the database has lost it. */
  wasLeft(id: Uuid): boolean {
    return this.#leaving.has(id);
  }

  /** Its deletion was never requested. */
  exists(topic: SimTopic): boolean {
    return this.#known.has(topic.id) && !this.#leaving.has(topic.id);
  }
  existing(): SimTopic[] {
    return this.partitions().flatMap(({ topic, index }) => (index === 0 ? topic : []));
  }
  /** The partitions of topics that exist. */
  partitions(): SimPartition[] {
    return [...this.#known.values()].flat().filter(({ topic }) => this.exists(topic));
  }
  named(name: string): SimTopic | undefined {
    return this.existing().find((topic) => topic.name === name);
  }
  any(random: SimRandom): SimPartition | undefined {
    const partitions = this.partitions();
    return partitions.length > 0 ? random.pick(partitions) : undefined;
  }
}
