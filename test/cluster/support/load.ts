// The load on a cluster, by clients that we did not write: kafkajs (idempotent producers, and a group that commits),
// librdkafka, and Java's VerifiableProducer where it is available. Each remembers what was acknowledged; `verify` compares that
// with what the cluster has.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { kafkajs, readAll } from '../../e2e/support/log-reader.ts';
import { until } from '../../e2e/support/until.ts';
import { KafkaLoad, type StoredRecord, TOPIC } from '../../fault/support/kafka-load.ts';
import { verifyCommits, verifyRecords } from '../../fault/support/load.ts';
import { propertiesFile } from '../../interop/jvm.ts';
import { interpreter } from '../../interop/python.ts';
import { cleanUpWith, dataFolder } from '../../support/program.ts';
import { check } from '../../support/run.ts';
import type { Cluster } from './cluster.ts';
import { type Line, SteadyProducer } from './steady-producer.ts';

const PARTITIONS = 4;
/** For each partition, and for the group: enough to be in the middle of the work. */
const PROGRESS = 5;
/** For a failover, a recovery and the clients' reconnection, on a slow machine. */
const RESUME_LIMIT_MS = 180_000;
/** How long a broker may be silent before its clients look for another: one that is frozen keeps its connections. */
const SILENCE_MS = 10_000;
/** Kafka's ConfigResource.Type.TOPIC. */
const TOPIC_RESOURCE = 2;
const SCRIPT = fileURLToPath(new URL('../python/steady_producer.py', import.meta.url));
export const JARS = resolve('.cache', 'compat', 'kafka-4.3.1-all');

interface Writer {
  readonly topic: string;
  readonly acknowledged: readonly (readonly StoredRecord[])[];
  readonly failures: readonly string[];
  stop(): Promise<void>;
}

export class ClusterLoad {
  readonly #cluster: Cluster;
  readonly #kafkajs: KafkaLoad;
  readonly #writers: readonly Writer[];

  private constructor(cluster: Cluster, load: KafkaLoad, others: readonly Writer[]) {
    this.#cluster = cluster;
    this.#kafkajs = load;
    const { acknowledged, failures } = load;
    this.#writers = [{ topic: TOPIC, acknowledged, failures, stop: () => load.stop() }, ...others];
  }

  static async start(cluster: Cluster): Promise<ClusterLoad> {
    await createTopics(cluster);
    const load = await KafkaLoad.start(cluster.address, 0);
    const bootstrap = cluster.address.bootstrapServers.join(',');
    const others = [librdkafka(bootstrap), ...(existsSync(JARS) ? [java(bootstrap)] : [])];
    const all = new ClusterLoad(cluster, load, others);
    cleanUpWith(() => all.stop());
    return all;
  }

  /** What they have given up so far. */
  get failures(): readonly string[] {
    return this.#writers.flatMap(({ topic, failures }) => failures.map((reason) => `${topic}: ${reason}`));
  }

  /** Resolves when every producer has made progress in each of its partitions since the call, and the group too. */
  async goesOn(): Promise<void> {
    const counts = (): number[][] => this.#writers.map(({ acknowledged }) => acknowledged.map(({ length }) => length));
    const committed = (): number => this.#kafkajs.committed.reduce((total, offset) => total + offset, 0);
    const [before, committedBefore] = [counts(), committed()];
    const hasMoved = (): boolean =>
      counts().every((one, writer) =>
        one.every((count, partition) => count >= (before[writer]?.[partition] ?? 0) + PROGRESS),
      ) && committed() >= committedBefore + PROGRESS;
    await until('every producer and the group go on', hasMoved, RESUME_LIMIT_MS).catch((late: Error) => {
      const seen = {
        before,
        now: counts(),
        committedBefore,
        committed: committed(),
        failures: this.failures.slice(-5),
      };
      throw new Error(`${late.message}; seen: ${JSON.stringify(seen)}`);
    });
  }

  /** Like `goesOn`, and up to that much longer: for a fault at a random moment. */
  async untilRandomMoment(mostMs = 1_500): Promise<void> {
    await this.goesOn();
    await pause(Math.random() * mostMs);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#writers.map((writer) => writer.stop()));
  }

  /** After a stop. Returns how many acknowledged records were found. */
  async verify(): Promise<number> {
    const count = await this.verifyRecords();
    await verifyCommits(this.#kafkajs.committed, this.#cluster.address);
    return count;
  }

  /** Of all that was acknowledged before the call. Returns how many records were found. */
  async verifyRecords(): Promise<number> {
    let count = 0;
    for (const { topic, acknowledged } of this.#writers) {
      const before = acknowledged.map((records) => [...records]);
      verifyRecords(topic, before, await readAll(this.#cluster.address, topic));
      count += before.reduce((total, { length }) => total + length, 0);
    }
    return count;
  }

  /** min.insync.replicas of every topic that it writes to. */
  async setMinInsyncReplicas(value: number): Promise<void> {
    const configEntries = [{ name: 'min.insync.replicas', value: String(value) }];
    const resources = this.#writers.map(({ topic: name }) => ({ type: TOPIC_RESOURCE, name, configEntries }));
    const admin = kafkajs(this.#cluster.address).admin();
    await admin.connect();
    await admin.alterConfigs({ validateOnly: false, resources }).finally(() => admin.disconnect());
  }
}

async function createTopics(cluster: Cluster): Promise<void> {
  const admin = kafkajs(cluster.address).admin();
  await admin.connect();
  try {
    const topics = [
      { topic: TOPIC, numPartitions: PARTITIONS },
      { topic: 'librdkafka', numPartitions: PARTITIONS },
      { topic: 'java', numPartitions: 1 },
    ];
    await admin.createTopics({ topics, waitForLeaders: true });
  } finally {
    await admin.disconnect();
  }
  const { partitions } = await cluster.describe([TOPIC]);
  check(
    partitions.every(({ replicas }) => replicas.length === 3),
    'topics have three replicas by default',
    partitions,
  );
}

const librdkafka = (bootstrap: string): Writer =>
  new SteadyProducer({
    topic: 'librdkafka',
    partitions: PARTITIONS,
    file: interpreter,
    args: [SCRIPT, bootstrap, 'librdkafka', String(PARTITIONS), String(SILENCE_MS)],
    read: (line): Line => {
      const [kind, partition, offset, value = ''] = line.split(' ');
      if (kind === 'failed') return { kind, reason: line };
      return kind === 'stored'
        ? { kind, partition: Number(partition), record: { offset: Number(offset), value } }
        : undefined;
    },
  });

/** Its own default is no retry, and so no idempotence. Its numbers are those of all partitions together: its topic has one. */
const java = (bootstrap: string): Writer =>
  new SteadyProducer({
    topic: 'java',
    partitions: 1,
    file: 'java',
    args: [
      '-Xmx128m',
      '-XX:TieredStopAtLevel=1',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
      '-cp',
      `${JARS}/*`,
      'org.apache.kafka.tools.VerifiableProducer',
      '--bootstrap-server',
      bootstrap,
      '--topic',
      'java',
      '--acks',
      '-1',
      '--throughput',
      '100',
      '--command-config',
      retrying(),
    ],
    read: (line): Line => {
      if (!line.startsWith('{')) return undefined;
      const seen = JSON.parse(line) as JavaLine;
      if (seen.name === 'producer_send_error') return { kind: 'failed', reason: line };
      if (seen.name !== 'producer_send_success') return undefined;
      return { kind: 'stored', partition: seen.partition, record: { offset: seen.offset, value: seen.value } };
    },
  });

function retrying(): string {
  const settings = {
    retries: 2_147_483_647,
    'enable.idempotence': 'true',
    'request.timeout.ms': SILENCE_MS,
    'delivery.timeout.ms': 2 * RESUME_LIMIT_MS,
  };
  return propertiesFile(join(dataFolder(), 'producer'), settings);
}

interface JavaLine {
  readonly name: string;
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}
