// `__consumer_offsets` as clients see it: created when a client first looks for a coordinator, internal, readable, not
// writable.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrorCode, Timestamp } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { batchesOf, buildBatch } from '@milepost/records';
import {
  CreateTopics,
  DescribeConfigs,
  Fetch,
  FindCoordinator,
  Metadata,
  OffsetCommit,
  OffsetCommitRecord,
  OffsetFetch,
  Produce,
} from '@milepost/wire';
import type { RawClient } from '../testing/raw-client.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';

const host = nodeHost();
const folder = mkdtempSync(join(tmpdir(), 'milepost-offsets-topic-'));
const it = new BrokerUnderTest(host, folder, { 'offsets.topic.num.partitions': '4' });

beforeAll(() => it.start());
afterAll(async () => {
  await it.stop();
  rmSync(folder, { recursive: true });
});

const TOPIC = '__consumer_offsets';

async function describedTopic(client: RawClient) {
  const { topics } = await client.ask(Metadata, 12, { topics: null, allowAutoTopicCreation: false });
  return topics.find(({ name }) => name === TOPIC);
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function commit(client: RawClient, group: string, offset: number): Promise<ErrorCode | undefined> {
  const partitions = [{ partitionIndex: 0, committedOffset: offset as never, committedMetadata: 'm' }];
  const { topics } = await client.ask(OffsetCommit, 8, {
    groupId: group,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [{ name: 't', partitions }],
  });
  return topics[0]?.partitions[0]?.errorCode;
}

/** Every offset in the partition, as `group topic partition offset`. */
async function told(client: RawClient, partition: number): Promise<string[]> {
  const asked = { partition, fetchOffset: 0 as never, partitionMaxBytes: 1_000_000 };
  const { responses } = await client.ask(Fetch, 11, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic: TOPIC, partitions: [asked] }],
  });
  const bytes = responses[0]?.partitions[0]?.records ?? Buffer.alloc(0);
  return [...batchesOf(bytes)].flatMap((batch) =>
    [...batch.records()].flatMap(({ key, value }) => {
      const of = key && OffsetCommitRecord.readKey(key);
      if (!of) return [];
      return `${of.group} ${of.topic} ${of.partition} ${value ? OffsetCommitRecord.readValue(value).offset : 'none'}`;
    }),
  );
}

test('it is created when a client looks for a coordinator, and has the committed offsets, also after a restart', async () => {
  let client = await it.client();
  await client.ask(CreateTopics, 5, {
    topics: [{ name: 't', numPartitions: 1, replicationFactor: 1 }],
    timeoutMs: 60_000,
  });
  expect(await describedTopic(client)).toBeUndefined();
  expect((await client.ask(FindCoordinator, 2, { key: 'g', keyType: 0 })).errorCode).toBe(ErrorCode.NONE);
  const made = await until(() => describedTopic(client));
  expect(made).toMatchObject({ isInternal: true, errorCode: ErrorCode.NONE });
  expect(made.partitions).toHaveLength(4);

  const { results } = await client.ask(DescribeConfigs, 4, {
    resources: [{ resourceType: 2, resourceName: TOPIC, configurationKeys: ['cleanup.policy', 'segment.bytes'] }],
  });
  const configs = Object.fromEntries(results[0]?.configs.map(({ name, value }) => [name, value]) ?? []);
  expect(configs).toEqual({ 'cleanup.policy': 'compact', 'segment.bytes': '104857600' });

  // Group `g` belongs to shard 103 % 4.
  expect(await commit(client, 'g', 7)).toBe(ErrorCode.NONE);
  const first = await until(async () => ((await told(client, 3)).length > 0 ? told(client, 3) : undefined));
  expect(first).toEqual(['g t 0 7']);

  await it.stop();
  await it.start();
  client = await it.client();
  expect(await commit(client, 'g', 8)).toBe(ErrorCode.NONE);
  const after = await until(async () => ((await told(client, 3)).length > 1 ? told(client, 3) : undefined));
  expect(after).toEqual(['g t 0 7', 'g t 0 8']);
});

test('clients may not write to it', async () => {
  const client = await it.client();
  const records = buildBatch({ records: [{ key: Buffer.from('k'), value: null, timestamp: Timestamp(Date.now()) }] });
  const { responses } = await client.ask(Produce, 8, {
    acks: 1,
    timeoutMs: 60_000,
    topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }],
  });
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
});

test('lowering offsets.topic.num.partitions hides no group and no offset (B10)', async () => {
  const client = await it.client();
  const groups = Array.from({ length: 12 }, (_, number) => `lowered-${number}`);
  for (const group of groups) expect(await commit(client, group, 7)).toBe(ErrorCode.NONE);
  await it.stop();
  await it.start({ properties: { 'offsets.topic.num.partitions': '1' } });
  const asked = await it.client();
  for (const groupId of groups) {
    const topics = [{ name: 't', partitionIndexes: [0] }];
    const found = await asked.ask(OffsetFetch, 7, { groupId, topics, requireStable: false });
    expect({ groupId, offset: found.topics[0]?.partitions[0]?.committedOffset }).toEqual({ groupId, offset: 7 });
  }
});
