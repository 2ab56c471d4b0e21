// Reads partitions by long polls from their leaders, from the start, the end or in between; requests offsets; sometimes
// restarts elsewhere.
import { BrokerId, ErrorCode, LeaderEpoch, Timestamp } from '@milepost/core';
import { Fetch, ListOffsets } from '@milepost/wire';
import { Books } from '../model/books.ts';
import type { SimPartition } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';
import { answerTo, fetchBody, FIRST_VERSION_WITH_IDS, tellFetched, type Wanted } from './fetched.ts';
import { ClusterClient, type Leader } from './cluster-client.ts';
import { between, mayBeStale, sleep, type World } from './world.ts';

export const LATEST = -1;
export const EARLIEST = -2;

export class Reader {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #client: ClusterClient;
  readonly #positions = new Map<SimPartition, number>();
  readonly #version: number;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#client = new ClusterClient(
      world,
      name,
      this.#random.chance(0.3) ? Infinity : between(this.#random, 5_000, 30_000),
    );
    this.#version = this.#random.pick([11, 13, 16, 18]);
  }

  async run(): Promise<void> {
    while (this.#world.phase !== 'over') {
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
    const saysEpochs = this.#random.chance(0.7);
    const byBroker = new Books<Leader['broker'], Wanted[]>(() => []);
    for (const partition of partitions) {
      if (this.#random.chance(0.02)) this.#positions.delete(partition);
      const offset = this.#positions.get(partition) ?? (await this.#begin(partition));
      const leader = await this.#client.leaderOf(partition);
      if (leader && offset !== undefined)
        byBroker.of(leader.broker).push({ partition, offset, epoch: saysEpochs ? leader.epoch : -1 });
    }
    const found = await Promise.all([...byBroker].map(([broker, wanted]) => this.#fetch(broker, wanted)));
    return found.includes(true);
  }

  async #fetch(broker: Leader['broker'], wanted: readonly Wanted[]): Promise<boolean> {
    const askedAt = this.#world.clock.monotonic();
    const response = await broker.askNow(
      Fetch,
      this.#version,
      fetchBody(wanted, {
        maxWaitMs: this.#random.pick([0, 500, 2_000]),
        partitionMaxBytes: this.#random.pick([1, 300, 1 << 20]),
      }),
    );
    if (!response) for (const { partition } of wanted) this.#client.forgetLeaderOf(partition);
    if (response?.errorCode !== ErrorCode.NONE) return false;
    let found = false;
    for (const one of wanted) {
      const { partition, offset } = one;
      const answer = answerTo(partition, response, this.#version);
      const fetched = answer && tellFetched(this.#world, one, askedAt, answer);
      if (typeof fetched === 'object') {
        this.#positions.set(partition, fetched.next);
        found ||= fetched.next > offset;
      } else if (answer && fetched === 'moved') this.#client.refused(partition, { ...answer, ...response });
      else this.#positions.delete(partition);
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
  client: ClusterClient,
  partition: SimPartition,
  timestamp: number,
): Promise<number | undefined> {
  const { topic, index } = partition;
  const askedAt = world.clock.monotonic();
  const asked = await client.askLeader(partition, ListOffsets, 7, (epoch) => {
    const currentLeaderEpoch = LeaderEpoch(epoch);
    const partitions = [{ partitionIndex: index, currentLeaderEpoch, timestamp: Timestamp(timestamp) }];
    return { replicaId: BrokerId(-1), topics: [{ name: topic.name, partitions }] };
  });
  const answer = asked?.response.topics[0]?.partitions[0];
  if (!asked || answer?.errorCode !== ErrorCode.NONE) {
    client.forgetLeaderOf(partition);
    return undefined;
  }
  const { offset } = answer;
  const bounds = { kind: 'bounds', partition, askedAt, mayBeStale: mayBeStale(world, partition) } as const;
  const { epoch } = asked.leader;
  if (topic.isSteady)
    world.see({ ...bounds, epoch, isListed: true, ...(timestamp === LATEST ? { end: offset } : { start: offset }) });
  return offset;
}
