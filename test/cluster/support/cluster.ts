// Brokers in separate processes that are one cluster on one PostgreSQL. Ids, folders and ports stay the same from start to
// start, so that clients find a broker again.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Address, silentLogger, ZERO_UUID } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { startEmbeddedPostgres } from '@milepost/postgres';
import type { KafkaAddress } from '@milepost/streams';
import { FindCoordinator, Metadata } from '@milepost/wire';
import { RawClient } from '../../../libs/broker/src/testing/raw-client.ts';
import { until } from '../../e2e/support/until.ts';
import { freePort } from '../../support/free-port.ts';
import { cleanUpWith, dataFolder, Program, testSettings } from '../../support/program.ts';
import { check } from '../../support/run.ts';

/** Of every broker. A short lease: a killed broker is replaced in seconds, a slow machine costs a failover at worst. */
const SETTINGS = {
  MILEPOST_LOG_LEVEL: 'warn',
  KAFKA_DEFAULT_REPLICATION_FACTOR: '3',
  KAFKA_MIN_INSYNC_REPLICAS: '2',
  KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '8',
  KAFKA_BROKER_SESSION_TIMEOUT_MS: '6000',
  KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: '1000',
  KAFKA_LEADER_IMBALANCE_CHECK_INTERVAL_SECONDS: '5',
} as const;
/** For a failover, a recovery, or a replica that copies everything, on a slow machine. */
const SETTLE_LIMIT_MS = 180_000;

export type Described = Awaited<ReturnType<Cluster['describe']>>;

export class Cluster {
  readonly #databaseUrl: string;
  readonly #brokers: ClusterBroker[] = [];

  private constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl;
  }

  static async start(size = 3): Promise<Cluster> {
    const dataDir = join(dataFolder(), 'postgres');
    const postgres = await startEmbeddedPostgres({ dataDir, logger: silentLogger, port: await freePort() });
    cleanUpWith(() => postgres.stop());
    const cluster = new Cluster(postgres.url);
    await Promise.all(Array.from({ length: size }, () => cluster.add().then((broker) => broker.start())));
    return cluster;
  }

  /** Another broker, not started yet. */
  async add(): Promise<ClusterBroker> {
    const id = this.#brokers.length + 1;
    const broker = new ClusterBroker(id, this.#databaseUrl);
    this.#brokers.push(broker);
    await broker.choosePorts();
    return broker;
  }

  get ids(): readonly number[] {
    return this.#brokers.map(({ id }) => id);
  }

  broker(id: number): ClusterBroker {
    const broker = this.#brokers[id - 1];
    if (!broker) throw new Error(`there is no broker ${id}`);
    return broker;
  }

  /** Every broker, also those that are away. */
  get address(): KafkaAddress {
    return { bootstrapServers: this.#brokers.map(({ address }) => `${address.host}:${address.port}`) };
  }

  /** As a broker that serves sees it now. */
  async describe(topics: readonly string[] = []) {
    const asked = topics.map((name) => ({ name, topicId: ZERO_UUID }));
    const seen = await this.#ask((client) =>
      client.ask(Metadata, 12, { topics: topics.length === 0 ? null : asked, allowAutoTopicCreation: false }),
    );
    return {
      controller: seen.controllerId as number,
      brokers: seen.brokers.map(({ nodeId }) => nodeId as number).toSorted((a, b) => a - b),
      partitions: seen.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
          name: `${name}-${partitionIndex}`,
          leader: leaderId as number,
          replicas: replicaNodes as readonly number[],
          isr: isrNodes as readonly number[],
        })),
      ),
    };
  }

  /** The broker that has the part now; waits for one. */
  leader(topic: string, partition: number): Promise<number> {
    return this.#eventually(`a leader of ${topic}-${partition}`, async () => {
      const { partitions } = await this.describe([topic]);
      return partitions.find(({ name }) => name === `${topic}-${partition}`)?.leader;
    });
  }

  controller(): Promise<number> {
    return this.#eventually('a controller', async () => (await this.describe()).controller);
  }

  coordinator(groupId: string): Promise<number> {
    return this.#eventually(`a coordinator of ${groupId}`, async () => {
      const found = await this.#ask((client) => client.ask(FindCoordinator, 3, { key: groupId, keyType: 0 }));
      return found.nodeId as number;
    });
  }

  /** Resolves when all of these brokers serve, and every partition is led and has all of its replicas in sync. */
  async settled(ids = this.ids): Promise<void> {
    let seen: Described | undefined;
    const isSettled = async (): Promise<boolean> => {
      seen = await this.describe().catch(() => undefined);
      if (!seen || seen.brokers.join() !== ids.join() || !seen.brokers.includes(seen.controller)) return false;
      return seen.partitions.every(({ leader, replicas, isr }) => leader > 0 && isr.length === replicas.length);
    };
    await until('all brokers are there, and all replicas in sync', isSettled, SETTLE_LIMIT_MS).catch((late: Error) => {
      const behind = seen?.partitions.filter(({ leader, replicas, isr }) => leader < 1 || isr.length < replicas.length);
      throw new Error(`${late.message}; seen: ${JSON.stringify({ ...seen, partitions: behind?.slice(0, 5) })}`);
    });
  }

  /** Clean stops, one after the other. */
  async stop(): Promise<void> {
    for (const broker of this.#brokers) if (broker.isUp) await broker.stop();
  }

  async #eventually(what: string, look: () => Promise<number | undefined>): Promise<number> {
    return until(
      what,
      async () => {
        const id = await look().catch(() => undefined);
        return id !== undefined && id > 0 ? id : undefined;
      },
      SETTLE_LIMIT_MS,
    );
  }

  async #ask<Answer>(question: (client: RawClient) => Promise<Answer>): Promise<Answer> {
    const serving = this.#brokers.find(({ isServing }) => isServing);
    if (!serving) throw new Error('no broker serves');
    const client = await RawClient.connect(nodeHost().network, serving.address);
    try {
      return await question(client);
    } finally {
      client.close();
    }
  }
}

export class ClusterBroker {
  readonly id: number;
  readonly folder = dataFolder();
  readonly #databaseUrl: string;
  #ports = { kafka: 0, http: 0 };
  #program: Program | undefined;
  #isFrozen = false;

  constructor(id: number, databaseUrl: string) {
    this.id = id;
    this.#databaseUrl = databaseUrl;
    cleanUpWith(() => this.kill());
  }

  async choosePorts(): Promise<void> {
    this.#ports = { kafka: await freePort(), http: await freePort() };
  }

  get address(): Address {
    return { host: '127.0.0.1', port: this.#ports.kafka };
  }
  get isUp(): boolean {
    return this.#program !== undefined;
  }
  get isServing(): boolean {
    return this.isUp && !this.#isFrozen;
  }
  get log(): string {
    return this.#program?.log ?? '';
  }

  /** Resolves when it serves. @throws with its log if it ends before */
  async start(extra: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#program = await Program.start('broker', { ...this.#settings, ...extra });
  }

  /** For a start that is expected to be refused. */
  refused(): Promise<{ readonly status: number | string; readonly log: string }> {
    return Program.run('broker', this.#settings, [], { limitMs: 120_000 });
  }

  /** A command of ours on its machine, to its end. */
  milepost(...command: readonly string[]): Promise<{ readonly status: number | string; readonly log: string }> {
    return Program.run('cli', this.#settings, command);
  }

  /** Like Ctrl-C. @throws unless its status is 0 */
  async stop(): Promise<void> {
    const program = this.#running;
    this.#program = undefined; // it serves no more questions of ours
    const status = await program.stop();
    check(status === 0, `broker ${this.id} stops cleanly`, `${status}: ${program.log}`);
  }

  async kill(): Promise<void> {
    const program = this.#program;
    this.#program = undefined;
    this.#isFrozen = false;
    await program?.kill();
  }

  /** SIGSTOP: it is alive, and does nothing. */
  freeze(): void {
    this.#isFrozen = true;
    cleanUpWith(() => (this.#isFrozen ? this.thaw() : undefined)); // clients that end would wait for it
    process.kill(this.#running.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.#running.pid, 'SIGCONT');
    this.#isFrozen = false;
  }

  /** Its disk is lost: an empty folder takes its place. */
  wipe(): void {
    check(!this.isUp, 'a broker whose disk is lost is down', `broker ${this.id} is up`);
    rmSync(this.folder, { recursive: true });
  }

  get #settings(): Record<string, string> {
    return {
      ...testSettings,
      ...SETTINGS,
      DATABASE_URL: this.#databaseUrl,
      MILEPOST_BROKER_ID: String(this.id),
      MILEPOST_DATA_DIR: this.folder,
      MILEPOST_KAFKA_PORT: String(this.#ports.kafka),
      MILEPOST_HTTP_PORT: String(this.#ports.http),
    };
  }

  get #running(): Program {
    if (!this.#program) throw new Error(`broker ${this.id} is not running`);
    return this.#program;
  }
}
