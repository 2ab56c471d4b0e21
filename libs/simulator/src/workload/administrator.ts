// Creates topics, deletes and recreates them under the same name, deletes records. It retries until it knows the outcome.
import { ErrorCode, Offset, ZERO_UUID, type Uuid } from '@milepost/core';
import { CreateTopics, DeleteRecords, DeleteTopics, Metadata } from '@milepost/wire';
import type { SimTopic } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';
import { ClusterClient } from './cluster-client.ts';
import { EARLIEST, LATEST, listOffset } from './reader.ts';
import { between, sleep, type World } from './world.ts';

export type WantedTopic = Omit<SimTopic, 'id'> & { readonly segmentMs: number; readonly indexIntervalBytes: number };

export class Administrator {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #client: ClusterClient;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
    this.#client = new ClusterClient(world, 'admin', 20_000);
  }

  /** Resolves when the topics exist; those that are not steady are deleted and recreated from then on. */
  async begin(topics: readonly WantedTopic[], deletesRecords: boolean): Promise<void> {
    for (const topic of topics) {
      await this.#make(topic);
      if (!topic.isSteady) void this.#comeAndGo(topic);
    }
    if (deletesRecords) void this.#deleteRecords();
  }

  async #comeAndGo(topic: WantedTopic): Promise<void> {
    for (;;) {
      await sleep(this.#world, between(this.#random, 5_000, 40_000));
      if (this.#world.phase !== 'chaos') return;
      const made = this.#world.topics.named(topic.name);
      if (made) await this.#unmake(made);
      await this.#make(topic);
    }
  }

  async #make(wanted: WantedTopic): Promise<void> {
    for (;;) {
      const id = (await this.#create(wanted)) ?? (await this.#find(wanted.name));
      if (id && this.#world.topics.wasLeft(id))
        await this.#delete(id); // the database has lost the deletion
      else if (id) {
        this.#world.topics.made({ ...wanted, id });
        return this.#world.note(`topic ${wanted.name} is ${id}`);
      }
      await sleep(this.#world, 500);
    }
  }

  async #create(wanted: WantedTopic): Promise<Uuid | undefined> {
    const configs = {
      'cleanup.policy': wanted.isCompacted ? 'compact' : 'delete',
      'retention.ms': String(wanted.retentionMs),
      'retention.bytes': String(wanted.retentionBytes),
      'segment.ms': String(wanted.segmentMs),
      'index.interval.bytes': String(wanted.indexIntervalBytes),
      'min.cleanable.dirty.ratio': '0.01',
      'min.insync.replicas': String(wanted.minInsyncReplicas),
    };
    const topic = {
      name: wanted.name,
      numPartitions: wanted.partitions,
      replicationFactor: wanted.replicas,
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    };
    const response = await this.#client.ask(CreateTopics, 7, { topics: [topic] });
    const answer = response?.topics[0];
    return answer?.errorCode === ErrorCode.NONE ? answer.topicId : undefined;
  }

  async #find(name: string): Promise<Uuid | undefined> {
    const response = await this.#client.ask(Metadata, 12, {
      topics: [{ topicId: ZERO_UUID, name }],
      allowAutoTopicCreation: false,
    });
    const answer = response?.topics[0];
    return answer?.errorCode === ErrorCode.NONE ? answer.topicId : undefined;
  }

  async #unmake(topic: SimTopic): Promise<void> {
    this.#world.topics.leaving(topic);
    this.#world.see({ kind: 'topic-leaving', topic });
    this.#world.note(`topic ${topic.name} ${topic.id} is to go`);
    await this.#delete(topic.id);
    this.#world.topics.gone(topic);
    this.#world.note(`topic ${topic.name} ${topic.id} is gone`);
  }

  async #delete(topicId: Uuid): Promise<void> {
    for (;;) {
      const response = await this.#client.ask(DeleteTopics, 6, {
        topics: [{ name: null, topicId }],
        timeoutMs: 20_000,
      });
      const error = response?.responses[0]?.errorCode;
      if (error === ErrorCode.NONE || error === ErrorCode.UNKNOWN_TOPIC_ID) return;
      await sleep(this.#world, 500);
    }
  }

  async #deleteRecords(): Promise<void> {
    for (;;) {
      await sleep(this.#world, between(this.#random, 3_000, 25_000));
      if (this.#world.phase === 'over') return;
      const partition = this.#world.topics.any(this.#random);
      if (!partition?.topic.isSteady) continue; // the request names the topic
      const start = await listOffset(this.#world, this.#client, partition, EARLIEST);
      const end = await listOffset(this.#world, this.#client, partition, LATEST);
      if (start === undefined || end === undefined || end < start) continue;
      const before = between(this.#random, start, end);
      this.#world.see({ kind: 'deletion', partition, before });
      this.#world.note(`delete ${partition.name} before ${before}`);
      const partitions = [{ partitionIndex: partition.index, offset: Offset(before) }];
      const body = { topics: [{ name: partition.topic.name, partitions }], timeoutMs: 20_000 };
      const asked = await this.#client.askLeader(partition, DeleteRecords, 2, () => body);
      const answer = asked?.response.topics[0]?.partitions[0];
      if (answer?.errorCode !== ErrorCode.NONE) this.#client.forgetLeaderOf(partition);
      this.#world.note(`deleted ${partition.name}: ${answer?.errorCode}, starts at ${answer?.lowWatermark}`);
      if (answer?.errorCode === ErrorCode.NONE)
        this.#world.see({ kind: 'deleted', partition, start: answer.lowWatermark });
    }
  }
}
