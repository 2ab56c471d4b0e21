// Follows the topic of a read-process-write loop with read_committed, and sometimes begins again from its start.
import type { SimRandom } from '../sim-random.ts';
import { ClusterClient } from './cluster-client.ts';
import { fetchCommitted } from './committed-records.ts';
import { between, sleep, type World } from './world.ts';

export class CommittedReader {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #client: ClusterClient;
  readonly #topic: string;
  /** By partition. */
  readonly #positions = new Map<number, number>();

  constructor(world: World, name: string, topic: string) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#client = new ClusterClient(world, name, between(this.#random, 5_000, 20_000));
    this.#topic = topic;
  }

  async run(): Promise<void> {
    while (this.#world.phase !== 'over') {
      await sleep(this.#world, between(this.#random, 100, 1_500));
      const index = this.#random.below(2);
      if (this.#random.chance(0.03)) this.#positions.delete(index);
      const found = await fetchCommitted(this.#client, this.#topic, index, this.#positions.get(index) ?? 0);
      if (!found) continue;
      this.#positions.set(index, found.next);
      this.#world.see({ kind: 'committed-read', records: found.values });
    }
  }
}
