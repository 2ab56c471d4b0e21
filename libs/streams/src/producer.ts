// Sends records that must not be lost to any Kafka: idempotent, acks=all, retried until every partition has accepted
// its records. A partition that cannot accept any delays only its own records: the caller is notified of the others as
// soon as they are stored. Order is the caller's task: at most one `send` in flight per partition (the client library
// may give a batch a new producer id after a lost state and resend it, so that with two in flight the second could land
// before the first).
import type { Logger } from '@milepost/core';
import { ProduceAcks, ResponseError } from '@platformatic/kafka';
import { connectionOptions, type KafkaAddress } from './kafka-address.ts';
import { partitionOf } from './partitioner.ts';
import { ProducingClient } from './producing-client.ts';
import type { RecordToSend } from './record.ts';

export interface ProducerOptions extends KafkaAddress {
  readonly clientId: string;
  readonly logger: Logger;
  /** The number of retries of a request before `send` rejects. Absent: until it is stored. */
  readonly repeats?: number;
}

/** The time after which the client resends a request (the broker recognizes the duplicate). */
const REQUEST_TIMEOUT_MS = 10_000;
const RETRY_DELAY_MS = 200;
/** Likewise, after the broker has refused the records of a partition. */
const REFUSED_DELAY_MS = 1_000;

/** A `send` that is not over yet: these records of it are in the log for good. */
export type StoredAhead = (topic: string, partition: number) => void;

export class Producer {
  readonly #client: ProducingClient;
  readonly #partitions = new Map<string, number>();
  readonly #sends = new Set<StoredAhead>();

  constructor({ clientId, logger, repeats, ...address }: ProducerOptions) {
    const options = {
      clientId,
      ...connectionOptions(address),
      idempotent: true,
      acks: ProduceAcks.ALL,
      timeout: REQUEST_TIMEOUT_MS,
      retries: repeats ?? true,
      retryDelay: (_client: unknown, _operation: string, _attempt: number, _retries: number, error: Error) =>
        error instanceof ResponseError ? REFUSED_DELAY_MS : RETRY_DELAY_MS,
      autocreateTopics: false,
      repeatOnStaleMetadata: true,
    };
    this.#client = new ProducingClient(options, {
      stored: (topic, partition) => {
        for (const storedAhead of this.#sends) storedAhead(topic, partition);
      },
      recovered: (topic, partition) =>
        logger.info({ clientId, topic, partition }, `${topic}-${partition} takes records again`),
      refused: (topic, partition, error) =>
        logger.warn(
          { clientId, topic, partition, error },
          `${topic}-${partition} takes no records: ${error}; they are sent again, the other partitions do not wait`,
        ),
    });
    this.#client.on('error', (error: Error) => logger.warn({ clientId, error: error.message }, 'producer error'));
  }

  /** The number of partitions of the topic; requested once. @throws if the topic does not exist. */
  async partitionsOf(topic: string): Promise<number> {
    const known = this.#partitions.get(topic);
    if (known !== undefined) return known;
    const metadata = await this.#client.metadata({ topics: [topic], autocreateTopics: false });
    const count = metadata.topics.get(topic)?.partitionsCount ?? 0;
    if (count === 0) throw new Error(`topic ${topic} does not exist`);
    this.#partitions.set(topic, count);
    return count;
  }

  /**
   * Resolves when all of the records are in the log for good (acks=all); rejects when that is not known. `storedAhead`
   * is called for partitions that have accepted their records while another one has not.
   */
  async send(records: readonly RecordToSend[], storedAhead?: StoredAhead): Promise<void> {
    for (const topic of new Set(records.map((record) => record.topic))) await this.partitionsOf(topic);
    const own = once(storedAhead);
    this.#sends.add(own);
    try {
      await this.#client.send({ messages: records.map((record) => this.#message(record)) });
    } finally {
      this.#sends.delete(own);
    }
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

/**
 * A later send to the same partition may be stored while the first is still pending for another one: it is not
 * reported.
 */
function once(storedAhead: StoredAhead = () => {}): StoredAhead {
  const stored = new Set<string>();
  return (topic, partition) => {
    const name = `${topic}-${partition}`;
    if (!stored.has(name)) storedAhead(topic, partition);
    stored.add(name);
  };
}
