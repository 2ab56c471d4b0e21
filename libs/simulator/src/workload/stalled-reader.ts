// A client that requests more than it reads: it fetches everything many times, stops reading, and never continues. The
// broker has to close the connection in the end, and to free what the responses hold.
import { Fetch } from '@milepost/wire';
import type { SimRandom } from '../sim-random.ts';
import { fetchBody } from './fetched.ts';
import { SimClient } from './sim-client.ts';
import { between, sleep, type World } from './world.ts';

const VERSION = 13;
const REQUESTS = 40;

export class StalledReader {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #client: SimClient;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#client = new SimClient(world, name, this.#random.pick(world.bootstrap), Infinity);
  }

  get isClosed(): boolean {
    return !this.#client.isConnected;
  }

  async run(): Promise<void> {
    while (this.#world.phase === 'chaos') {
      await sleep(this.#world, between(this.#random, 1_000, 10_000));
      if (!this.isClosed) continue;
      if (await this.#client.connect()) this.#stall();
    }
  }

  #stall(): void {
    this.#world.note(`${this.#client.name} reads nothing`);
    this.#client.stopReading();
    const wanted = this.#world.topics.partitions().map((partition) => ({ partition, offset: 0, epoch: -1 }));
    const limits = { maxWaitMs: this.#random.pick([0, 500]), maxBytes: 1 << 24, partitionMaxBytes: 1 << 20 };
    for (let n = 0; n < REQUESTS; n++) void this.#client.askNow(Fetch, VERSION, fetchBody(wanted, limits));
  }
}
