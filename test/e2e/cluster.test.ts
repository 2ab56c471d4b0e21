// Three brokers on one PostgreSQL, on the real host: they find each other, spread a topic, and hand over what one of them led.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerId, ErrorCode, silentLogger, ZERO_UUID } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import {
  connectDatabase,
  PostgresBrokerLeases,
  PostgresGroupStore,
  PostgresMetadataStore,
  startEmbeddedPostgres,
} from '@milepost/postgres';
import { CreateTopics, FindCoordinator, Metadata, OffsetCommit } from '@milepost/wire';
import { BrokerUnderTest } from '../../libs/broker/src/testing/broker-under-test.ts';
import { until } from './support/until.ts';

const logger = silentLogger;
const folder = mkdtempSync(join(tmpdir(), 'milepost-cluster-pg-'));
const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closing.toReversed()) await close();
  rmSync(folder, { recursive: true });
});

async function started(url: string, id: number): Promise<BrokerUnderTest> {
  const database = await connectDatabase(url, { logger });
  const metadata = new PostgresMetadataStore(database, { logger });
  const leases = new PostgresBrokerLeases(database);
  const groups = new PostgresGroupStore(database, { logger });
  closing.push(async () => {
    await leases.close();
    await metadata.close();
    await database.destroy();
  });
  const it = new BrokerUnderTest(nodeHost(), join(folder, `broker-${id}`));
  await it.start({ brokerId: BrokerId(id), rack: `rack-${id}` }, { stores: { metadata, leases, groups } });
  closing.push(() => it.stop());
  return it;
}

test('three brokers on one PostgreSQL are one cluster, and two of them remain one', async () => {
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'pg'), logger });
  closing.push(() => postgres.stop());
  const brokers = await Promise.all([1, 2, 3].map((id) => started(postgres.url, id)));
  const clients = await Promise.all(brokers.map((broker) => broker.client()));
  const [client] = clients;
  if (!client) throw new Error('there is no client');

  const metadataOf = async (from: (typeof clients)[number], names: string[] = []) =>
    from.ask(Metadata, 12, {
      topics: names.map((name) => ({ name, topicId: ZERO_UUID })),
      allowAutoTopicCreation: false,
    });
  for (const one of clients) await until('three brokers', async () => (await metadataOf(one)).brokers.length === 3);
  const controllers = await Promise.all(clients.map(async (one) => (await metadataOf(one)).controllerId));
  expect(new Set(controllers).size).toBe(1);

  const topics = [{ name: 't', numPartitions: 6, replicationFactor: 2 }];
  const created = await client.ask(CreateTopics, 7, { topics, timeoutMs: 60_000 });
  expect(created.topics[0]?.errorCode).toBe(ErrorCode.NONE);
  const described = (await metadataOf(client, ['t'])).topics[0]?.partitions ?? [];
  expect(new Set(described.map(({ leaderId }) => leaderId)).size).toBe(3);

  const groupId = 'group-0';
  const find = async (from: (typeof clients)[number]) =>
    until('a coordinator', async () => {
      const found = await from.ask(FindCoordinator, 3, { key: groupId, keyType: 0 });
      return found.errorCode === ErrorCode.NONE ? found.nodeId : undefined;
    });
  const commit = async (at: number) => {
    const partitions = [{ partitionIndex: 0, committedOffset: 7 as never, committedMetadata: '' }];
    const asked = { groupId, generationIdOrMemberEpoch: -1, memberId: '', topics: [{ name: 't', partitions }] };
    const { topics: answered } = await (clients[at - 1] ?? client).ask(OffsetCommit, 8, asked);
    return answered[0]?.partitions[0]?.errorCode === ErrorCode.NONE;
  };
  const coordinator = await find(client);
  await until('a commit', () => commit(coordinator));

  await brokers[coordinator - 1]?.stop();
  const remaining = clients.find((_, place) => place !== coordinator - 1) ?? client;
  await until('two brokers', async () => (await metadataOf(remaining)).brokers.length === 2);
  const next = await until('another coordinator', async () => {
    const found = await find(remaining);
    return found === coordinator ? undefined : found;
  });
  await until('a commit there', () => commit(next));
  const led = (await metadataOf(remaining, ['t'])).topics[0]?.partitions ?? [];
  expect(led.map(({ leaderId }) => leaderId)).not.toContain(coordinator);
  expect(led.map(({ leaderId }) => leaderId)).not.toContain(-1);
}, 120_000);
