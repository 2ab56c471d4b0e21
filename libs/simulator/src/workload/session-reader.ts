// Reads all partitions, or most of them, in a fetch session. It drops partitions and adds them again, at the same
// offset or another, loses its session, and repeats an epoch. In the end it must have read everything.
import { Fetch } from '@milepost/wire';
import type { SimPartition } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';
import { FetchSession } from './fetch-session.ts';
import { FIRST_VERSION_WITH_IDS, type Wanted } from './fetched.ts';
import { EARLIEST, LATEST, listOffset } from './reader.ts';
import { RECONNECT_MS, SimClient } from './sim-client.ts';
import { between, sleep, type World } from './world.ts';

export class SessionReader {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #client: SimClient;
  readonly #version: number;
  readonly #session: FetchSession;
  readonly #positions = new Map<SimPartition, number>();
  /** Dropped for the time being. */
  readonly #resting = new Set<SimPartition>();
  #isEnded = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#client = new SimClient(world, name, between(this.#random, 5_000, 30_000));
    this.#version = this.#random.pick([11, 13, 16, 18]);
    this.#session = new FetchSession(world, name, this.#version);
  }

  get name(): string {
    return this.#client.name;
  }

  async run(): Promise<void> {
    while (!this.#isEnded) {
      await sleep(this.#world, between(this.#random, 20, 600));
      if (!this.#client.isConnected) {
        await sleep(this.#world, RECONNECT_MS); // the session is not bound to a connection
        if (!(await this.#client.connect())) continue;
      }
      await this.#look(this.#world.phase === 'chaos');
    }
  }

  /** The positions in the partitions that it reads; -1: unknown. */
  positions(): Map<SimPartition, number> {
    return new Map(this.#all().map((partition) => [partition, this.#positions.get(partition) ?? -1]));
  }

  end(): void {
    this.#isEnded = true;
    this.#client.disconnect();
  }

  async #look(isRestless: boolean): Promise<void> {
    const wanted = await this.#wanted(isRestless);
    if (wanted.length === 0) return;
    if (isRestless && this.#random.chance(0.02)) this.#session.end();
    if (isRestless && this.#random.chance(0.02)) this.#session.goBack();
    const limits = {
      maxWaitMs: this.#random.pick([0, 300, 1_500]),
      maxBytes: this.#random.pick(isRestless ? [1, 500, 1 << 24] : [500, 1 << 24]),
      partitionMaxBytes: 1 << 20,
    };
    const askedAt = this.#world.clock.monotonic();
    const how = this.#session.isIncremental ? 'on' : 'anew';
    const progress = this.#session.take(
      await this.#client.ask(Fetch, this.#version, this.#session.request(wanted, limits)),
      askedAt,
    );
    for (const { partition, next } of progress ?? []) {
      if (next === undefined) this.#positions.delete(partition);
      else this.#positions.set(partition, next);
    }
    const places = progress?.map(({ partition, next }) => `${partition.name}@${next}`);
    this.#world.note(`${this.name} reads ${how}: ${places?.join(' ') ?? 'nothing'}`);
  }

  async #wanted(isRestless: boolean): Promise<Wanted[]> {
    const wanted: Wanted[] = [];
    for (const partition of this.#all()) {
      const rests = this.#resting.has(partition);
      if (isRestless && this.#random.chance(rests ? 0.2 : 0.05)) {
        if (rests) this.#resting.delete(partition);
        else this.#resting.add(partition);
        if (this.#random.chance(0.3)) this.#positions.delete(partition);
      } else if (!isRestless) this.#resting.delete(partition);
      if (this.#resting.has(partition)) continue;
      const offset = this.#positions.get(partition) ?? (await this.#begin(partition));
      if (offset !== undefined) wanted.push({ partition, offset });
    }
    return wanted;
  }

  /** At the start, the end, or in between. */
  async #begin(partition: SimPartition): Promise<number | undefined> {
    const start = await listOffset(this.#world, this.#client, partition, EARLIEST);
    const end = await listOffset(this.#world, this.#client, partition, LATEST);
    if (start === undefined || end === undefined) return undefined;
    return this.#random.pick([start, start, end, between(this.#random, start, Math.max(start, end))]);
  }

  #all(): SimPartition[] {
    return this.#world.topics
      .partitions()
      .filter(({ topic }) => this.#version >= FIRST_VERSION_WITH_IDS || topic.isSteady);
  }
}
