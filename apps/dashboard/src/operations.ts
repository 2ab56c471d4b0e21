// A read-only view of the Kafka behind the map: topics with their sizes, groups with their lag. Kafka gets at most one
// request a second, for any number of viewers.
import { AdminClient, connectionOptions } from '@milepost/streams';
import type { ListedOffsetsTopic } from '@platformatic/kafka';
import type { Kafka } from '../../chassis/src/index.ts';

export interface TopicView {
  readonly name: string;
  readonly partitions: number;
  /** Between the first and the next offset, all partitions together. */
  readonly records: number;
}
export interface GroupView {
  readonly id: string;
  readonly state: string;
  readonly members: number;
  /** Records that are not handled yet, in the partitions where the group has committed. */
  readonly lag: number;
  readonly topics: readonly string[];
}
export interface Operations {
  topics(): Promise<readonly TopicView[]>;
  groups(): Promise<readonly GroupView[]>;
  close(): Promise<void>;
}

/** A view younger than this is shown again. */
const freshMs = 1_000;
const earliest = -2n;
const latest = -1n;

export class KafkaOperations implements Operations {
  readonly #kafka: Kafka;
  #connected: AdminClient | undefined;
  readonly topics = remembered(() => this.#readTopics());
  readonly groups = remembered(() => this.#readGroups());

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
  }

  async close(): Promise<void> {
    await this.#connected?.close();
  }

  get #admin(): AdminClient {
    this.#connected ??= new AdminClient({
      clientId: 'milepost-dashboard-operations',
      ...connectionOptions(this.#kafka()),
      retries: 1,
      connectTimeout: 3_000,
    });
    return this.#connected;
  }

  async #readTopics(): Promise<TopicView[]> {
    const partitions = await this.#partitionsOf(await this.#admin.listTopics({ includeInternals: false }));
    const [begins, ends] = await Promise.all([this.#offsets(partitions, earliest), this.#offsets(partitions, latest)]);
    return [...partitions]
      .map(([name, count]) => ({ name, partitions: count, records: sum(ends.get(name)) - sum(begins.get(name)) }))
      .toSorted((a, b) => a.name.localeCompare(b.name));
  }

  async #readGroups(): Promise<GroupView[]> {
    const ids = [...(await this.#admin.listGroups()).keys()];
    if (ids.length === 0) return [];
    const described = await this.#admin.describeGroups({ groups: ids });
    const committed = await this.#admin.listConsumerGroupOffsets({ groups: ids });
    const names = [...new Set(committed.flatMap(({ topics }) => topics.map(({ name }) => name)))];
    const ends = await this.#offsets(await this.#partitionsOf(names), latest);
    return committed
      .map(({ groupId, topics }) => {
        const { state, members } = described.get(groupId) ?? { state: 'UNKNOWN', members: new Map() };
        return {
          id: groupId,
          state,
          members: members.size,
          lag: lagOf(topics, ends),
          topics: topics.map(({ name }) => name),
        };
      })
      .toSorted((a, b) => a.id.localeCompare(b.id));
  }

  async #partitionsOf(names: readonly string[]): Promise<Map<string, number>> {
    if (names.length === 0) return new Map();
    const metadata = await this.#admin.metadata({ topics: [...names], autocreateTopics: false, forceUpdate: true });
    return new Map([...metadata.topics].map(([name, { partitionsCount }]) => [name, partitionsCount]));
  }

  async #offsets(partitions: ReadonlyMap<string, number>, timestamp: bigint): Promise<Map<string, number[]>> {
    if (partitions.size === 0) return new Map();
    const listed: ListedOffsetsTopic[] = await this.#admin.listOffsets({
      topics: [...partitions].map(([name, count]) => ({
        name,
        partitions: Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, timestamp })),
      })),
    });
    return new Map(
      listed.map(({ name, partitions: answered }) => {
        const offsets: number[] = [];
        for (const { partitionIndex, offset } of answered) offsets[partitionIndex] = Number(offset);
        return [name, offsets];
      }),
    );
  }
}

function lagOf(
  topics: readonly { name: string; partitions: readonly { partitionIndex: number; committedOffset: bigint }[] }[],
  ends: ReadonlyMap<string, readonly number[]>,
): number {
  let lag = 0;
  for (const { name, partitions } of topics) {
    for (const { partitionIndex, committedOffset } of partitions) {
      const end = ends.get(name)?.[partitionIndex] ?? 0;
      if (committedOffset >= 0n) lag += Math.max(0, end - Number(committedOffset));
    }
  }
  return lag;
}

function sum(numbers: readonly number[] = []): number {
  return numbers.reduce((total, number) => total + Math.max(0, number), 0);
}

/** Callers within that time share one result; a failure is not cached. */
function remembered<T>(read: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  let askedMs = -Infinity;
  return () => {
    if (answer && performance.now() - askedMs < freshMs) return answer;
    askedMs = performance.now();
    answer = read().catch((error: unknown) => {
      answer = undefined;
      throw error;
    });
    return answer;
  };
}
