// The door into any Kafka for what must not be lost: idempotent, acks=all, retried until the broker answers.
// Order is the caller's: at most one `send` in flight per partition (the client library may give a batch a new producer id
// after a lost state and send it again, so that with two in flight the second could land before the first).
import type { Logger } from '@milepost/core';
import { ProduceAcks } from '@platformatic/kafka';
import { connectionOptions, type KafkaAddress } from './kafka-address.ts';
import { partitionOf } from './partitioner.ts';
import { ProducingClient } from './producing-client.ts';
import type { RecordToSend } from './record.ts';

export interface ProducerOptions extends KafkaAddress {
  readonly clientId: string;
  readonly logger: Logger;
}

/** How long one request may take before the client sends it again (the broker recognises the duplicate). */
const REQUEST_TIMEOUT_MS = 10_000;
const RETRY_DELAY_MS = 200;

export class Producer {
  readonly #client: ProducingClient;
  readonly #partitions = new Map<string, number>();

  constructor({ clientId, logger, ...address }: ProducerOptions) {
    this.#client = new ProducingClient({
      clientId,
      ...connectionOptions(address),
      idempotent: true,
      acks: ProduceAcks.ALL,
      timeout: REQUEST_TIMEOUT_MS,
      retries: true,
      retryDelay: RETRY_DELAY_MS,
      autocreateTopics: false,
      repeatOnStaleMetadata: true,
    });
    this.#client.on('error', (error: Error) => logger.warn({ clientId, error: error.message }, 'producer error'));
  }

  /** How many partitions the topic has; asked once. @throws when the topic does not exist. */
  async partitionsOf(topic: string): Promise<number> {
    const known = this.#partitions.get(topic);
    if (known !== undefined) return known;
    const metadata = await this.#client.metadata({ topics: [topic], autocreateTopics: false });
    const count = metadata.topics.get(topic)?.partitionsCount ?? 0;
    if (count === 0) throw new Error(`topic ${topic} does not exist`);
    this.#partitions.set(topic, count);
    return count;
  }

  /** Resolves when all of the records are in the log for good (acks=all); rejects when that is not known. */
  async send(records: readonly RecordToSend[]): Promise<void> {
    for (const topic of new Set(records.map((record) => record.topic))) await this.partitionsOf(topic);
    await this.#client.send({ messages: records.map((record) => this.#message(record)) });
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  #message(record: RecordToSend) {
    const { key, topic } = record;
    const partition =
      record.partition ?? (key === null ? undefined : partitionOf(key, this.#partitions.get(topic) as number));
    return partition === undefined ? { topic, value: record } : { topic, value: record, partition };
  }
}
