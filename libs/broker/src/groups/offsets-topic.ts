// `__consumer_offsets`: an internal, compacted topic in which the coordinator echoes the group store. Created when a
// client first looks for a coordinator or commits, as in Kafka; no request waits for it. An echo causes no sync: the
// group store is the truth.
import { type Background, ErrorCode, type Logger, type Offset, Timestamp } from '@milepost/core';
import type { PartitionWriter } from '@milepost/coordinators';
import { type BrokerConfigLayers, brokerNumber, type ClusterImage, OFFSETS_TOPIC } from '@milepost/metadata';
import type { LocalPartitions } from '../partitions/local-partitions.ts';
import type { TopicAdmin } from '../admin/topic-admin.ts';

/** The pause after an attempt to create it. */
const CREATE_AGAIN_MS = 10_000;
const READ_BYTES = 1024 * 1024;

export interface OffsetsTopicDeps {
  readonly partitions: LocalPartitions;
  readonly layers: () => BrokerConfigLayers;
  readonly shards: number;
  readonly now: () => number;
  readonly logger: Logger;
  readonly background: Background;
}

export class OffsetsTopic implements PartitionWriter {
  readonly #deps: OffsetsTopicDeps;
  #notBefore = Timestamp(0);

  constructor(deps: OffsetsTopicDeps) {
    this.#deps = deps;
  }

  append(index: number, batch: Buffer): ReturnType<PartitionWriter['append']> {
    const partition = this.#deps.partitions.find(OFFSETS_TOPIC, index);
    if (typeof partition === 'number') return 'later';
    const { error } = partition.append(batch);
    if (error === ErrorCode.NONE) return 'appended';
    return error === ErrorCode.MESSAGE_TOO_LARGE || error === ErrorCode.RECORD_LIST_TOO_LARGE ? 'never' : 'later';
  }

  read(index: number, from: Offset): Buffer | undefined {
    const partition = this.#deps.partitions.find(OFFSETS_TOPIC, index);
    if (typeof partition === 'number') return undefined;
    const { log } = partition;
    const start = Math.max(from, log.logStartOffset) as Offset;
    const outcome = log.read(start, { maxBytes: READ_BYTES, upTo: log.logEndOffset, atLeastOneBatch: true });
    return outcome.error === ErrorCode.NONE ? outcome.records : undefined;
  }

  /** Creates it in the background if it is missing. */
  ensure(image: ClusterImage, topics: TopicAdmin): void {
    const { now, background } = this.#deps;
    if (image.topics.has(OFFSETS_TOPIC) || image.brokers.size === 0 || now() < this.#notBefore) return;
    this.#notBefore = Timestamp(now() + CREATE_AGAIN_MS);
    background.run(`creating ${OFFSETS_TOPIC}`, () => this.#create(image, topics));
  }

  async #create(image: ClusterImage, topics: TopicAdmin): Promise<void> {
    const { layers, shards, logger } = this.#deps;
    const replicas = Math.min(brokerNumber(layers(), 'offsets.topic.replication.factor'), image.brokers.size);
    const configs = {
      'cleanup.policy': 'compact',
      'compression.type': 'producer',
      'segment.bytes': String(brokerNumber(layers(), 'offsets.topic.segment.bytes')),
    };
    const wish = {
      name: OFFSETS_TOPIC,
      numPartitions: shards,
      replicationFactor: replicas,
      assignments: [],
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    };
    const [outcome] = await topics.create([wish], false);
    if (outcome && 'error' in outcome && outcome.error !== ErrorCode.TOPIC_ALREADY_EXISTS)
      logger.warn({ topic: OFFSETS_TOPIC }, `topic not created: ${outcome.message}`);
  }
}
