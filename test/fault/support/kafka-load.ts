// Idempotent producers with acks=all, one for each partition of a topic, that send numbered records one after another;
// and a consumer group of two members that commits what it has read. With kafkajs, which shares no code with ours.
import type { KafkaAddress } from '@milepost/streams';
import kafkajs, { type Consumer, type Kafka, type Producer } from 'kafkajs';
import { setTimeout as pause } from 'node:timers/promises';

const { Kafka: Client, logLevel } = kafkajs;

export const TOPIC = 'load';
export const GROUP = 'load-readers';
export const PARTITIONS = 4;
const MEMBERS = 2;
const RETRY_MS = 200;
/** Long enough for most starts of a broker. Longer would delay the end of a client whose broker is gone. */
const PATIENT = { retries: 40, initialRetryTime: 100, maxRetryTime: 500 };
/**
 * For a member whose coordinator may move: the client asks for another one only after it has given up, and each of its
 * attempts is itself as many attempts to connect.
 */
const IMPATIENT = { retries: 3, initialRetryTime: 100, maxRetryTime: 500 };
/**
 * For a producer of a cluster: longer than a failover. This client asks nobody for another leader when a request has timed
 * out, so that a frozen one is only left by a send that fails for good.
 */
const PERSISTENT = { retries: 20, initialRetryTime: 100, maxRetryTime: 500 };
/** How long a broker of several may be silent: one that is frozen keeps its connections. */
const SILENCE_MS = 5_000;

export interface StoredRecord {
  readonly offset: number;
  readonly value: string;
}

export class KafkaLoad {
  /** By partition: the acknowledged records, in the order of sending. */
  readonly acknowledged: StoredRecord[][] = Array.from({ length: PARTITIONS }, () => []);
  /** By partition: the highest offset whose commit was acknowledged; 0: none yet. */
  readonly committed: number[] = Array.from({ length: PARTITIONS }, () => 0);
  /** By partition: every offset that a member received. */
  readonly read: Set<number>[] = Array.from({ length: PARTITIONS }, () => new Set());
  /** Sends that failed for good, after all repetitions: why. */
  readonly failures: string[] = [];
  /** Members of the group that their client has ended, and restarts if it says so. */
  readonly crashes: string[] = [];
  readonly #kafka: Kafka;
  readonly #membersKafka: Kafka;
  readonly #memberRetry: typeof PATIENT;
  readonly #ends: Promise<void>[] = [];
  readonly #members: Consumer[] = [];
  #isOver = false;

  private constructor({ bootstrapServers }: KafkaAddress) {
    const limits = { clientId: 'load', logLevel: logLevel.NOTHING, connectionTimeout: 10_000 };
    const brokers = [...bootstrapServers];
    const isCluster = brokers.length > 1;
    const at = { brokers, ...limits, ...(isCluster ? { requestTimeout: SILENCE_MS } : {}) };
    this.#memberRetry = isCluster ? IMPATIENT : PATIENT;
    this.#kafka = new Client({ ...at, retry: isCluster ? PERSISTENT : PATIENT });
    this.#membersKafka = new Client({ ...at, retry: this.#memberRetry });
  }

  static async start(at: KafkaAddress, firstNumber: number): Promise<KafkaLoad> {
    const load = new KafkaLoad(at);
    const admin = load.#kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }], waitForLeaders: true });
    await admin.disconnect();
    for (let partition = 0; partition < PARTITIONS; partition++) load.#ends.push(load.#produce(partition, firstNumber));
    for (let member = 0; member < MEMBERS; member++) load.#members.push(await load.#consume());
    return load;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#members.map((member) => member.disconnect().catch(() => {})));
    await Promise.all(this.#ends);
  }

  /** A record whose send has failed for good is not resent: its number is left out, and a new producer continues. */
  async #produce(partition: number, firstNumber: number): Promise<void> {
    let number = firstNumber;
    while (!this.#isOver) {
      const producer = this.#kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
      try {
        await producer.connect();
        for (; !this.#isOver; number++) await this.#send(producer, partition, String(number));
      } catch (failure) {
        this.failures.push(`${TOPIC}-${partition}@${number}: ${String(failure)}`);
        number++;
        await pause(RETRY_MS);
      } finally {
        await producer.disconnect().catch(() => {});
      }
    }
  }

  async #send(producer: Producer, partition: number, value: string): Promise<void> {
    const [result] = await producer.send({ topic: TOPIC, acks: -1, messages: [{ partition, value }] });
    if (result?.baseOffset === undefined) throw new Error('an answer without an offset');
    this.acknowledged[partition]?.push({ offset: Number(result.baseOffset), value });
  }

  async #consume(): Promise<Consumer> {
    const consumer = this.#membersKafka.consumer({
      groupId: GROUP,
      sessionTimeout: 10_000,
      heartbeatInterval: 500,
      maxWaitTimeInMs: 200,
      retry: { ...this.#memberRetry, restartOnFailure: () => Promise.resolve(!this.#isOver) },
    });
    consumer.on('consumer.crash', ({ payload: { error, restart } }) => {
      this.crashes.push(`${error.name}: ${error.message} (${restart ? 'restarted' : 'ended'})`);
    });
    await consumer.connect();
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch: { partition, messages } }) => {
        for (const { offset } of messages) this.read[partition]?.add(Number(offset));
        await this.#commit(consumer, partition, Number(messages.at(-1)?.offset) + 1);
      },
    });
    return consumer;
  }

  /** A refused commit is not repeated: the next one covers it. */
  async #commit(consumer: Consumer, partition: number, offset: number): Promise<void> {
    try {
      await consumer.commitOffsets([{ topic: TOPIC, partition, offset: String(offset) }]);
      this.committed[partition] = Math.max(this.committed[partition] ?? 0, offset);
    } catch {
      await pause(RETRY_MS);
    }
  }
}

/** The group's committed offsets by partition, as the broker returns them; -1: none. */
export async function committedOffsets(at: KafkaAddress): Promise<number[]> {
  const admin = adminOf(at);
  await admin.connect();
  try {
    const [topic] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
    const byPartition = new Map(topic?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    return Array.from({ length: PARTITIONS }, (_, partition) => byPartition.get(partition) ?? -1);
  } finally {
    await admin.disconnect();
  }
}

/** By partition: the log's end. */
export async function endOffsets(at: KafkaAddress): Promise<number[]> {
  const admin = adminOf(at);
  await admin.connect();
  try {
    const ends = new Map(
      (await admin.fetchTopicOffsets(TOPIC)).map(({ partition, high }) => [partition, Number(high)]),
    );
    return Array.from({ length: PARTITIONS }, (_, partition) => ends.get(partition) ?? -1);
  } finally {
    await admin.disconnect();
  }
}

const adminOf = ({ bootstrapServers }: KafkaAddress) =>
  new Client({ brokers: [...bootstrapServers], logLevel: logLevel.NOTHING, retry: PATIENT }).admin();
