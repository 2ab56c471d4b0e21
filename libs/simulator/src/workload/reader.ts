// Reads partitions by long polls, from the start, the end or in between; requests offsets; sometimes restarts
// elsewhere.
import { BrokerId, ErrorCode, Timestamp } from '@milepost/core';
import { Fetch, ListOffsets } from '@milepost/wire';
import type { SimPartition } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';
import { answerTo, fetchBody, FIRST_VERSION_WITH_IDS, tellFetched, type Wanted } from './fetched.ts';
import { RECONNECT_MS, SimClient } from './sim-client.ts';
import { between, sleep, type World } from './world.ts';

export const LATEST = -1;
export const EARLIEST = -2;

export class Reader {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #client: SimClient;
  readonly #positions = new Map<SimPartition, number>();
  readonly #version: number;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#client = new SimClient(
      world,
      name,
      this.#random.chance(0.3) ? Infinity : between(this.#random, 5_000, 30_000),
    );
    this.#version = this.#random.pick([11, 13, 16, 18]);
  }

  async run(): Promise<void> {
    while (this.#world.phase !== 'over') {
      if (!this.#client.isConnected) {
        await sleep(this.#world, RECONNECT_MS);
        if (!(await this.#client.connect())) continue;
      }
      const wanted = this.#world.topics
        .partitions()
        .filter(({ topic }) => this.#version >= FIRST_VERSION_WITH_IDS || topic.isSteady)
        .filter(() => this.#random.chance(0.7));
      if (wanted.length === 0) await sleep(this.#world, 500);
      else if (!(await this.#look(wanted))) await sleep(this.#world, between(this.#random, 50, 800));
    }
  }

  /** True if there were records. */
  async #look(partitions: readonly SimPartition[]): Promise<boolean> {
    const wanted: Wanted[] = [];
    for (const partition of partitions) {
      if (this.#random.chance(0.02)) this.#positions.delete(partition);
      const offset = this.#positions.get(partition) ?? (await this.#begin(partition));
      if (offset !== undefined) wanted.push({ partition, offset });
    }
    if (wanted.length === 0) return false;
    const askedAt = this.#world.clock.monotonic();
    const response = await this.#client.ask(
      Fetch,
      this.#version,
      fetchBody(wanted, {
        maxWaitMs: this.#random.pick([0, 500, 2_000]),
        partitionMaxBytes: this.#random.pick([1, 300, 1 << 20]),
      }),
    );
    if (!response || response.errorCode !== ErrorCode.NONE) return false;
    let found = false;
    for (const { partition, offset } of wanted) {
      const answer = answerTo(partition, response, this.#version);
      const fetched = answer && tellFetched(this.#world, partition, offset, askedAt, answer);
      if (typeof fetched === 'object') {
        this.#positions.set(partition, fetched.next);
        found ||= fetched.next > offset;
      } else this.#positions.delete(partition);
    }
    this.#world.note(
      `${this.#client.name} read ${wanted.map(({ partition, offset }) => `${partition.name}@${offset}`).join(' ')}: ${found}`,
    );
    return found;
  }

  /** At the start, the end, or in between. */
  async #begin(partition: SimPartition): Promise<number | undefined> {
    const start = await listOffset(this.#world, this.#client, partition, EARLIEST);
    const end = await listOffset(this.#world, this.#client, partition, LATEST);
    if (start === undefined || end === undefined) return undefined;
    const offset = this.#random.pick([start, end, between(this.#random, start, Math.max(start, end))]);
    this.#positions.set(partition, offset);
    return offset;
  }
}

/** The start or the end of a partition. Reported to the checkers if the topic's name identifies it. */
export async function listOffset(
  world: World,
  client: SimClient,
  partition: SimPartition,
  timestamp: number,
): Promise<number | undefined> {
  const { topic, index } = partition;
  const askedAt = world.clock.monotonic();
  const response = await client.ask(ListOffsets, 7, {
    replicaId: BrokerId(-1),
    topics: [{ name: topic.name, partitions: [{ partitionIndex: index, timestamp: Timestamp(timestamp) }] }],
  });
  const answer = response?.topics[0]?.partitions[0];
  if (answer?.errorCode !== ErrorCode.NONE) return undefined;
  const { offset } = answer;
  if (topic.isSteady)
    world.see({ kind: 'bounds', partition, askedAt, ...(timestamp === LATEST ? { end: offset } : { start: offset }) });
  return offset;
}
