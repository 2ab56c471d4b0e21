// An internal, compacted topic in which a coordinator echoes its store: `__consumer_offsets`, `__transaction_state`.
// Created when a client first looks for such a coordinator, or commits, as in Kafka; no request waits for it. An echo
// causes no sync: the store is the truth.
//
// It gets `<settings>.replication.factor` replicas as far as brokers are alive, so that one broker needs no setting; but never
// fewer than default.replication.factor: until that many are alive it is not created (decision 0047).
import { type Background, ErrorCode, type Logger, type Offset, Timestamp } from '@milepost/core';
import type { PartitionWriter } from '@milepost/coordinators';
import { aliveBrokers, type BrokerConfigLayers, brokerNumber, type ClusterImage } from '@milepost/metadata';
import type { LocalPartitions } from '../partitions/local-partitions.ts';
import type { TopicAdmin } from '../admin/topic-admin.ts';

/** The pause after an attempt to create it. */
const CREATE_AGAIN_MS = 10_000;
const READ_BYTES = 1024 * 1024;

export interface InternalTopicDeps {
  readonly name: string;
  /** What the names of its broker properties begin with. */
  readonly settings: 'offsets.topic' | 'transaction.state.log';
  readonly partitions: LocalPartitions;
  readonly layers: () => BrokerConfigLayers;
  readonly shards: number;
  readonly now: () => number;
  readonly logger: Logger;
  readonly background: Background;
}

export class InternalTopic implements PartitionWriter {
  readonly #deps: InternalTopicDeps;
  #notBefore = Timestamp(0);

  constructor(deps: InternalTopicDeps) {
    this.#deps = deps;
  }

  append(index: number, batch: Buffer): ReturnType<PartitionWriter['append']> {
    const partition = this.#deps.partitions.find(this.#deps.name, index);
    if (typeof partition === 'number') return 'later';
    const { error } = partition.append(batch);
    if (error === ErrorCode.NONE) return 'appended';
    return error === ErrorCode.MESSAGE_TOO_LARGE || error === ErrorCode.RECORD_LIST_TOO_LARGE ? 'never' : 'later';
  }

  read(index: number, from: Offset): Buffer | undefined {
    const partition = this.#deps.partitions.find(this.#deps.name, index);
    if (typeof partition === 'number') return undefined;
    const { log } = partition;
    const start = Math.max(from, log.logStartOffset) as Offset;
    const outcome = log.read(start, { maxBytes: READ_BYTES, upTo: log.logEndOffset, atLeastOneBatch: true });
    return outcome.error === ErrorCode.NONE ? outcome.records : undefined;
  }

  /** Creates it in the background if it is missing. */
  ensure(image: ClusterImage, topics: TopicAdmin): void {
    const { name, now, background } = this.#deps;
    if (image.topics.has(name) || image.brokers.size === 0 || now() < this.#notBefore) return;
    this.#notBefore = Timestamp(now() + CREATE_AGAIN_MS);
    background.run(`creating ${name}`, () => this.#create(image, topics));
  }

  async #create(image: ClusterImage, topics: TopicAdmin): Promise<void> {
    const { name, settings, layers, shards, logger } = this.#deps;
    const fewest = brokerNumber(layers(), 'default.replication.factor');
    const wanted = brokerNumber(layers(), `${settings}.replication.factor`);
    const replicas = Math.min(wanted, Math.max(aliveBrokers(image).length, fewest));
    const configs = {
      'cleanup.policy': 'compact',
      'compression.type': 'producer',
      'segment.bytes': String(brokerNumber(layers(), `${settings}.segment.bytes`)),
    };
    const wish = {
      name,
      numPartitions: shards,
      replicationFactor: replicas,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    };
    const [outcome] = await topics.create([wish], false);
    if (outcome && 'error' in outcome && outcome.error !== ErrorCode.TOPIC_ALREADY_EXISTS)
      logger.warn({ topic: name }, `topic not created: ${outcome.message}`);
  }
}
