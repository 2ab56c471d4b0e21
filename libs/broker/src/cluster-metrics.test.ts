// What Prometheus reads from three brokers that are one cluster: sums over them are right, with Kafka's meaning.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerId, ErrorCode } from '@milepost/core';
import { GroupTable, MemoryGroupStore, MemoryTransactionStore, TransactionTable } from '@milepost/coordinators';
import { MemoryMetadataDatabase } from '@milepost/metadata';
import { nodeHost } from '@milepost/node-host';
import { PrometheusMeter } from '@milepost/telemetry';
import { CreateTopics } from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';

const PARTITIONS = 6;
const SETTLE_LIMIT_MS = 30_000;

let folder: string;
let members: Member[];

/** A broker of the cluster, and what it reports. */
class Member {
  readonly #broker: BrokerUnderTest;
  readonly #meter = new PrometheusMeter();
  readonly #id: BrokerId;
  readonly #stores: () => Parameters<BrokerUnderTest['start']>[1];

  constructor(
    id: number,
    database: MemoryMetadataDatabase,
    tables: { groups: GroupTable; transactions: TransactionTable },
  ) {
    const host = nodeHost({ meter: this.#meter });
    this.#id = BrokerId(id);
    this.#broker = new BrokerUnderTest(host, join(folder, String(id)), { 'min.insync.replicas': '2' }, database);
    this.#stores = () => ({
      stores: {
        groups: new MemoryGroupStore(tables.groups),
        transactions: new MemoryTransactionStore(tables.transactions),
      },
    });
  }

  start(): Promise<void> {
    return this.#broker.start({ brokerId: this.#id }, this.#stores());
  }
  stop(): Promise<void> {
    return this.#broker.stop();
  }
  client(): ReturnType<BrokerUnderTest['client']> {
    return this.#broker.client();
  }

  /** Series by name and labels. */
  async scrape(): Promise<Map<string, number>> {
    const lines = (await this.#meter.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'milepost-cluster-metrics-'));
  const database = new MemoryMetadataDatabase();
  const tables = { groups: new GroupTable(), transactions: new TransactionTable() };
  members = [1, 2, 3].map((id) => new Member(id, database, tables));
  for (const member of members) await member.start();
  const client = await memberNumber(1).client();
  const topics = [{ name: 't', numPartitions: PARTITIONS, replicationFactor: 3 }];
  const { topics: created } = await client.ask(CreateTopics, 7, { topics, timeoutMs: 60_000 });
  expect(created[0]?.errorCode).toBe(ErrorCode.NONE);
});
afterEach(async () => {
  for (const member of members) await member.stop();
  rmSync(folder, { recursive: true });
});

function memberNumber(id: number): Member {
  const member = members[id - 1];
  if (!member) throw new Error(`there is no broker ${id}`);
  return member;
}

/** Of the brokers that run. */
async function sum(name: string, ids = [1, 2, 3]): Promise<number> {
  let total = 0;
  for (const id of ids)
    for (const [series, value] of await memberNumber(id).scrape())
      if (series === name || series.startsWith(`${name}{`)) total += value;
  return total;
}

/** Images follow the database by a few milliseconds. */
async function becomes(name: string, value: number, ids?: number[]): Promise<void> {
  const end = performance.now() + SETTLE_LIMIT_MS;
  for (;;) {
    const seen = await sum(name, ids);
    if (seen === value) return;
    if (performance.now() > end) throw new Error(`${name}: expected ${value}, seen ${seen}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('one broker is the controller, and each partition is reported by its leader only', async () => {
  await becomes('kafka_controller_kafkacontroller_activecontrollercount', 1);
  await becomes('kafka_controller_kafkacontroller_activebrokercount', 9);
  await becomes('kafka_server_replicamanager_leadercount', PARTITIONS);
  await becomes('kafka_server_replicamanager_partitioncount', 3 * PARTITIONS);
  await becomes('kafka_topic_partition_in_sync_replica', 3 * PARTITIONS);
  await becomes('kafka_cluster_partition_insyncreplicascount', 3 * PARTITIONS);
  await becomes('kafka_cluster_partition_replicascount', 3 * PARTITIONS);
});

test('a broker that has left makes partitions under-replicated and at min.insync.replicas, and an expansion ends it', async () => {
  await memberNumber(3).stop();
  const rest = [1, 2];
  await becomes('kafka_server_replicamanager_underreplicatedpartitions', PARTITIONS, rest);
  await becomes('kafka_cluster_partition_underreplicated', PARTITIONS, rest);
  await becomes('kafka_server_replicamanager_atminisrpartitioncount', PARTITIONS, rest);
  await becomes('kafka_server_replicamanager_underminisrpartitioncount', 0, rest);
  await becomes('kafka_controller_kafkacontroller_fencedbrokercount', 2, rest);
  await memberNumber(3).start();
  await becomes('kafka_server_replicamanager_underreplicatedpartitions', 0);
  // Counted when the response of the commit has come, which may be after the image.
  await becomes('kafka_server_replicamanager_isrexpands_total', PARTITIONS);
  await becomes('kafka_server_replicamanager_isrshrinks_total', PARTITIONS); // by the leaders, at once
});

test('when the controller leaves another one is counted', async () => {
  await memberNumber(1).stop();
  await becomes('kafka_controller_kafkacontroller_activecontrollercount', 1, [2, 3]);
});

test('the last of three replicas is below min.insync.replicas', async () => {
  await memberNumber(2).stop();
  await memberNumber(3).stop();
  await becomes('kafka_server_replicamanager_underminisrpartitioncount', PARTITIONS, [1]);
  await becomes('kafka_controller_kafkacontroller_offlinepartitionscount', 0, [1]);
});
