// A read-only view of the Kafka behind the map: brokers and replicas, topics with their sizes, groups with their lag. Kafka gets at
// most one request a second of each kind, for any number of viewers. A partition that fails is named, and the rest is shown.
import { connectionOptions, EARLIEST, LATEST, type PartitionOffset, TolerantAdmin } from '@milepost/streams';
import type { Kafka } from '../../chassis/src/index.ts';
import type { ClusterView, FailedPartition, GroupView, TopicView } from './views.ts';

export interface Operations {
  cluster(): Promise<ClusterView>;
  topics(): Promise<readonly TopicView[]>;
  groups(): Promise<readonly GroupView[]>;
  close(): Promise<void>;
}

/** A view younger than this is shown again. */
const freshMs = 1_000;

export class KafkaOperations implements Operations {
  readonly #kafka: Kafka;
  #connected: TolerantAdmin | undefined;
  readonly cluster = remembered(() => this.#readCluster());
  readonly topics = remembered(() => this.#readTopics());
  readonly groups = remembered(() => this.#readGroups());

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
  }

  async close(): Promise<void> {
    await this.#connected?.close();
  }

  get #admin(): TolerantAdmin {
    this.#connected ??= new TolerantAdmin({
      clientId: 'milepost-dashboard-operations',
      ...connectionOptions(this.#kafka()),
      retries: 1,
      connectTimeout: 3_000,
    });
    return this.#connected;
  }

  async #readCluster(): Promise<ClusterView> {
    const topics = await this.#admin.listTopics({ includeInternals: true });
    return clusterView(await this.#admin.metadata({ topics, autocreateTopics: false, forceUpdate: true }));
  }

  async #readTopics(): Promise<TopicView[]> {
    const names = await this.#admin.listTopics({ includeInternals: false });
    const [begins, ends] = await Promise.all([
      this.#admin.offsetsOf(names, EARLIEST),
      this.#admin.offsetsOf(names, LATEST),
    ]);
    return names
      .map((name) => {
        const ofTopic = ({ topic }: PartitionOffset): boolean => topic === name;
        const [begun, ended] = [begins.filter(ofTopic), ends.filter(ofTopic)];
        const records = ended.reduce(
          (sum, { offset }, partition) => sum + between(begun[partition]?.offset, offset),
          0,
        );
        return { name, partitions: ended.length, records, failed: failedOf(ended, begun) };
      })
      .toSorted((a, b) => a.name.localeCompare(b.name));
  }

  async #readGroups(): Promise<GroupView[]> {
    const ids = [...(await this.#admin.listGroups()).keys()];
    if (ids.length === 0) return [];
    const described = await this.#admin.describeGroups({ groups: ids });
    const committed = await this.#admin.listConsumerGroupOffsets({ groups: ids });
    const names = [...new Set(committed.flatMap(({ topics }) => topics.map(({ name }) => name)))];
    const ends = await this.#admin.offsetsOf(names, LATEST);
    return committed
      .map(({ groupId, topics }) => {
        const { state, members } = described.get(groupId) ?? { state: 'UNKNOWN', members: new Map() };
        const followed = topics.flatMap(({ name, partitions }) => partitions.map((of) => ({ topic: name, ...of })));
        const endOf = new Map(ends.map((end) => [`${end.topic}-${end.partition}`, end]));
        const ofGroup = followed.flatMap(({ topic, partitionIndex, committedOffset }) => {
          const end = committedOffset < 0n ? undefined : endOf.get(`${topic}-${partitionIndex}`);
          return end ? [{ ...end, committed: Number(committedOffset) }] : [];
        });
        return {
          id: groupId,
          state,
          members: members.size,
          lag: ofGroup.reduce((sum, end) => sum + between(end.committed, end.offset), 0),
          topics: topics.map(({ name }) => name),
          failed: failedOf(ofGroup),
        };
      })
      .toSorted((a, b) => a.id.localeCompare(b.id));
  }
}

type Metadata = Awaited<ReturnType<TolerantAdmin['metadata']>>;

/** Brokers by id, those that only have replicas included; topics by name. */
export function clusterView({
  brokers,
  controllerId,
  topics,
}: Pick<Metadata, 'brokers' | 'controllerId' | 'topics'>): ClusterView {
  const partitions = [...topics.values()].flatMap((topic) => topic.partitions);
  const ids = new Set([...brokers.keys(), ...partitions.flatMap(({ replicas }) => replicas)]);
  return {
    brokers: [...ids]
      .toSorted((a, b) => a - b)
      .map((id) => {
        const broker = brokers.get(id);
        return {
          id,
          address: broker ? `${broker.host}:${broker.port}` : null,
          rack: broker?.rack ?? null,
          isController: id === controllerId,
          isAway: broker === undefined,
          leads: partitions.filter(({ leader }) => leader === id).length,
        };
      }),
    topics: [...topics]
      .map(([name, topic]) => ({
        name,
        partitions: topic.partitions.map(({ leader, replicas, isr }, partition) => ({
          partition,
          leader: leader < 0 ? null : leader,
          replicas,
          isr,
          isUnderReplicated: isr.length < replicas.length,
        })),
      }))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
  };
}

/** Nothing where either end is not known. */
const between = (from: number | undefined, to: number | undefined): number =>
  from === undefined || to === undefined ? 0 : Math.max(0, to - from);

/** Each once, however often it is listed. */
function failedOf(...listings: readonly (readonly PartitionOffset[])[]): FailedPartition[] {
  const failed = new Map<string, FailedPartition>();
  for (const { topic, partition, error } of listings.flat())
    if (error !== undefined) failed.set(`${topic}-${partition}`, { topic, partition, error });
  return [...failed.values()];
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
