// The intake's way into the log: libs/streams' producer, with the partition of each key chosen here, so that the intake
// can limit itself to one pending batch for each.
import { type IntakeRecord, type RecordSink, RecordsRefused, type StoredAhead } from '@milepost/ingress';
import { partitionOf, type Producer } from '@milepost/streams';

/** Errors of a broker that a retry does not change (Kafka's names). */
const REFUSALS = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP']);

type ProducerPort = Pick<Producer, 'partitionsOf' | 'send'>;

export class LogSink implements RecordSink {
  readonly #producer: ProducerPort;
  readonly #partitions = new Map<string, number>();

  /** @throws when one of the topics does not exist. */
  static async open(producer: ProducerPort, topics: readonly string[]): Promise<LogSink> {
    const sink = new LogSink(producer);
    for (const topic of topics) await sink.add(topic);
    return sink;
  }

  private constructor(producer: ProducerPort) {
    this.#producer = producer;
  }

  has(topic: string): boolean {
    return this.#partitions.has(topic);
  }

  /** @throws when the topic does not exist. */
  async add(topic: string): Promise<void> {
    this.#partitions.set(topic, await this.#producer.partitionsOf(topic));
  }

  partitionOf(topic: string, key: Buffer): number {
    const partitions = this.#partitions.get(topic);
    if (partitions === undefined) throw new Error(`topic ${topic} is of no route`);
    return partitionOf(key, partitions);
  }

  async send(records: readonly IntakeRecord[], storedAhead?: StoredAhead): Promise<void> {
    try {
      await this.#producer.send(records, storedAhead);
    } catch (error) {
      const refusal = [...namesOf(error)].find((name) => REFUSALS.has(name));
      throw refusal === undefined ? error : new RecordsRefused(refusal, { cause: error });
    }
  }
}

/** The client nests a broker's errors in one another. */
function* namesOf(error: unknown): Iterable<string> {
  if (!(error instanceof Error)) return;
  const { apiId } = error as { apiId?: unknown };
  if (typeof apiId === 'string') yield apiId;
  if (error instanceof AggregateError) for (const inner of error.errors) yield* namesOf(inner);
  yield* namesOf(error.cause);
}
