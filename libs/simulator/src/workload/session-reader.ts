// Reads all partitions, or most of them, in a fetch session with each leader. It drops partitions and adds them again, at
// the same offset or another, loses its session, and repeats an epoch. In the end it must have read everything.
import { Fetch } from '@milepost/wire';
import { Books } from '../model/books.ts';
import type { SimPartition } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';
import { FetchSession } from './fetch-session.ts';
import { FIRST_VERSION_WITH_IDS, type Wanted } from './fetched.ts';
import { ClusterClient } from './cluster-client.ts';
import { EARLIEST, LATEST, listOffset } from './reader.ts';
import type { SimClient } from './sim-client.ts';
import { between, sleep, type World } from './world.ts';

export class SessionReader {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #client: ClusterClient;
  readonly #version: number;
  readonly #sessions: Books<SimClient, FetchSession>;
  readonly #positions = new Map<SimPartition, number>();
  /** Dropped for the time being. */
  readonly #resting = new Set<SimPartition>();
  #isEnded = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#client = new ClusterClient(world, name, between(this.#random, 5_000, 30_000));
    this.#version = this.#random.pick([11, 13, 16, 18]);
    this.#sessions = new Books(() => new FetchSession(world, name, this.#version));
  }

  get name(): string {
    return this.#client.name;
  }

  async run(): Promise<void> {
    while (!this.#isEnded) {
      await sleep(this.#world, between(this.#random, 20, 600));
      await this.#look(this.#world.phase === 'chaos');
    }
  }

  /** The positions in the partitions that it reads; -1: unknown. */
  positions(): Map<SimPartition, number> {
    return new Map(this.#all().map((partition) => [partition, this.#positions.get(partition) ?? -1]));
  }

  end(): void {
    this.#isEnded = true;
    this.#client.retire();
  }

  async #look(isRestless: boolean): Promise<void> {
    const byBroker = await this.#wanted(isRestless);
    // A broker that leads none of them any more is asked to forget them.
    for (const [broker, session] of this.#sessions)
      if (!byBroker.has(broker) && session.isOpen) byBroker.set(broker, []);
    await Promise.all([...byBroker].map(([broker, wanted]) => this.#fetch(broker, wanted, isRestless)));
  }

  async #fetch(broker: SimClient, wanted: readonly Wanted[], isRestless: boolean): Promise<void> {
    const session = this.#sessions.of(broker);
    if (isRestless && this.#random.chance(0.02)) session.end();
    if (isRestless && this.#random.chance(0.02)) session.goBack();
    const limits = {
      maxWaitMs: this.#random.pick([0, 300, 1_500]),
      maxBytes: this.#random.pick(isRestless ? [1, 500, 1 << 24] : [500, 1 << 24]),
      partitionMaxBytes: 1 << 20,
    };
    const askedAt = this.#world.clock.monotonic();
    const how = session.isIncremental ? 'on' : 'anew';
    const response = await broker.ask(Fetch, this.#version, session.request(wanted, limits));
    const progress = session.take(response, askedAt);
    if (!response) for (const { partition } of wanted) this.#client.forgetLeaderOf(partition);
    for (const { partition, next, hasMoved } of progress ?? []) {
      if (hasMoved) this.#client.forgetLeaderOf(partition);
      if (next === undefined) this.#positions.delete(partition);
      else this.#positions.set(partition, next);
    }
    const places = progress?.map(({ partition, next }) => `${partition.name}@${next}`);
    this.#world.note(`${this.name} reads ${how}: ${places?.join(' ') ?? 'nothing'}`);
  }

  async #wanted(isRestless: boolean): Promise<Map<SimClient, Wanted[]>> {
    const byBroker = new Books<SimClient, Wanted[]>(() => []);
    for (const partition of this.#all()) {
      const rests = this.#resting.has(partition);
      if (isRestless && this.#random.chance(rests ? 0.2 : 0.05)) {
        if (rests) this.#resting.delete(partition);
        else this.#resting.add(partition);
        if (this.#random.chance(0.3)) this.#positions.delete(partition);
      } else if (!isRestless) this.#resting.delete(partition);
      if (this.#resting.has(partition)) continue;
      const offset = this.#positions.get(partition) ?? (await this.#begin(partition));
      const leader = await this.#client.leaderOf(partition);
      if (leader && offset !== undefined) byBroker.of(leader.broker).push({ partition, offset, epoch: leader.epoch });
    }
    return byBroker;
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
