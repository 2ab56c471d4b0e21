// Quotas as clients see them: the response is sent without a wait and has the throttle time; then the connection is not
// read from (KIP-219).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrorCode, Offset, Timestamp, ZERO_UUID } from '@milepost/core';
import { nodeClock, nodeHost } from '@milepost/node-host';
import { buildBatch } from '@milepost/records';
import {
  AlterClientQuotas,
  ApiVersions,
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  DescribeClientQuotas,
  Fetch,
  Produce,
  QuotaMatch,
} from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

let folder: string;
let broker: BrokerUnderTest;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'milepost-quotas-'));
  broker = new BrokerUnderTest(nodeHost(), folder);
  await broker.start();
});
afterEach(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true });
});

const clientId = { entityType: 'client-id', entityName: null };

async function limit(client: RawClient, key: string, value: number, entity: object = clientId): Promise<void> {
  const { entries } = await client.ask(AlterClientQuotas, 1, {
    entries: [{ entity: [entity as typeof clientId], ops: [{ key, value, remove: false }] }],
    validateOnly: false,
  });
  expect(entries[0]?.errorCode).toBe(ErrorCode.NONE);
}

const create = (client: RawClient, version: number, name: string, numPartitions = 1) =>
  client.ask(CreateTopics, version, { topics: [{ name, numPartitions, replicationFactor: 1 }] });

const batch = (bytes: number) =>
  buildBatch({ records: [{ key: null, value: Buffer.alloc(bytes), timestamp: Timestamp(1_000) }] });

const produce = (client: RawClient, bytes: number) =>
  client.ask(Produce, 8, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{ name: 't', topicId: ZERO_UUID, partitionData: [{ index: 0, records: batch(bytes) }] }],
  });

const fetch = (client: RawClient) =>
  client.ask(Fetch, 11, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 10_000_000,
    topics: [
      {
        topic: 't',
        topicId: ZERO_UUID,
        partitions: [{ partition: 0, fetchOffset: Offset(0), partitionMaxBytes: 10_000_000 }],
      },
    ],
  });

/** Timers count whole milliseconds. */
const TIMER_EARLY_MS = 2;

test('a producer over its quota gets the throttle time, and is not read from meanwhile', async () => {
  const client = await broker.client();
  await create(client, 7, 't');
  await limit(client, 'producer_byte_rate', 10_000);
  const within = await produce(client, 30_000);
  expect(within.throttleTimeMs).toBe(0);
  const asked = nodeClock.monotonic();
  const beyond = await produce(client, 105_000); // too much by itself, regardless of when the first one was
  expect(beyond.responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE);
  expect(beyond.throttleTimeMs).toBeGreaterThan(0);
  const other = await broker.client();
  await other.ask(ApiVersions, 0, {}); // another connection is still read from
  await client.ask(ApiVersions, 0, {});
  expect(nodeClock.monotonic() - asked).toBeGreaterThan(beyond.throttleTimeMs - TIMER_EARLY_MS);
});

test('a consumer over its quota gets an empty response with the throttle time, and later everything', async () => {
  const client = await broker.client();
  await create(client, 7, 't');
  await produce(client, 60_000);
  await limit(client, 'consumer_byte_rate', 10_000);
  const first = await fetch(client);
  expect(first.throttleTimeMs).toBe(0);
  expect(first.responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(60_000);
  const second = await fetch(client);
  expect(second.throttleTimeMs).toBeGreaterThan(0);
  expect(second.responses).toEqual([]);
  await limit(client, 'consumer_byte_rate', 1_000_000);
  expect((await fetch(client)).responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(60_000);
});

test('a batch larger than the whole quota is sent once, then the consumer waits for it', async () => {
  const client = await broker.client();
  await create(client, 7, 't');
  await produce(client, 60_000);
  await limit(client, 'consumer_byte_rate', 100);
  expect((await fetch(client)).responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(60_000);
  const next = await fetch(client);
  expect([next.responses, next.throttleTimeMs > 10_000]).toEqual([[], true]);
});

test('changes of topics over the quota are refused for new clients and throttled for old ones', async () => {
  const client = await broker.client();
  await limit(client, 'controller_mutation_rate', 0.2);
  // Eleven windows' worth is saved up; this leaves a debt of more than two minutes, on every connection.
  expect((await create(client, 7, 'a', 31)).topics[0]?.errorCode).toBe(ErrorCode.NONE);
  const refused = await create(client, 7, 'b');
  expect(refused.topics[0]?.errorCode).toBe(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
  expect(refused.throttleTimeMs).toBeGreaterThan(10_000);
  const grown = await (await broker.client()).ask(CreatePartitions, 3, {
    topics: [{ name: 'a', count: 32, assignments: null }],
    timeoutMs: 60_000,
    validateOnly: false,
  });
  expect([grown.results[0]?.errorCode, grown.throttleTimeMs > 0]).toEqual([ErrorCode.THROTTLING_QUOTA_EXCEEDED, true]);
  const kept = await (await broker.client()).ask(DeleteTopics, 5, { topicNames: ['a'], timeoutMs: 60_000 });
  expect(kept.responses[0]?.errorCode).toBe(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
  expect(broker.broker.image().topics.has('a')).toBe(true);
  const permitted = await create(await broker.client(), 5, 'c');
  expect(permitted.topics[0]?.errorCode).toBe(ErrorCode.NONE);
  expect(permitted.throttleTimeMs).toBeGreaterThan(10_000);
});

test('an address that connects too often is closed after a wait, others are let in', async () => {
  const client = await broker.client();
  await limit(client, 'connection_creation_rate', 1, { entityType: 'ip', entityName: '127.0.0.1' });
  const more = await Promise.all(Array.from({ length: 12 }, () => broker.client()));
  await more.at(-1)?.closed;
  await client.ask(ApiVersions, 0, {}); // an existing connection stays open
  await more[0]?.ask(ApiVersions, 0, {});
});

test('work over request_percentage is throttled, for a window at most', async () => {
  const client = await broker.client();
  await limit(client, 'request_percentage', 0.000_001);
  const { throttleTimeMs } = await client.ask(DescribeClientQuotas, 1, { components: [], strict: false });
  expect(throttleTimeMs).toBe(1_000);
});

test('quotas are described in the order of Apache Kafka, whatever the order in which they were set', async () => {
  const client = await broker.client();
  const entity = [
    { entityType: 'user', entityName: 'anna' },
    { entityType: 'client-id', entityName: 'app' },
  ];
  const ops = ['producer_byte_rate', 'consumer_byte_rate'].map((key) => ({ key, value: 1024, remove: false }));
  const altered = await client.ask(AlterClientQuotas, 1, { entries: [{ entity, ops }], validateOnly: false });
  expect(altered.entries[0]?.entity).toEqual(entity.toReversed());
  await limit(client, 'consumer_byte_rate', 1024, { entityType: 'user', entityName: 'driver-17' });
  await limit(client, 'consumer_byte_rate', 1024, { entityType: 'user', entityName: 'carl' });
  const described = await client.ask(DescribeClientQuotas, 1, { components: [], strict: false });
  expect(described.entries?.map((entry) => entry.entity.map(({ entityName }) => entityName))).toEqual([
    ['app', 'anna'],
    ['driver-17'],
    ['carl'],
  ]);
  expect(described.entries?.[0]?.values.map(({ key }) => key)).toEqual(['consumer_byte_rate', 'producer_byte_rate']);
});

test('quotas are described exactly as they were set', async () => {
  const client = await broker.client();
  await limit(client, 'consumer_byte_rate', 1024);
  await limit(client, 'request_percentage', 12.5);
  const described = await client.ask(DescribeClientQuotas, 1, {
    components: [{ entityType: 'client-id', matchType: QuotaMatch.DEFAULT, match: null }],
    strict: true,
  });
  expect(described.entries).toEqual([
    {
      entity: [{ entityType: 'client-id', entityName: null }],
      values: [
        { key: 'consumer_byte_rate', value: 1024 },
        { key: 'request_percentage', value: 12.5 },
      ],
    },
  ]);
});
