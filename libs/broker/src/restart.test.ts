// A broker that is stopped and restarted on its folder.
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrorCode, type Host, LeaderEpoch, Offset, silentLogger, Timestamp, ZERO_UUID } from '@milepost/core';
import {
  type ClusterImage,
  MemoryMetadataStore,
  type PartitionState,
  StoreUnavailable,
  type TopicState,
} from '@milepost/metadata';
import { nodeHost } from '@milepost/node-host';
import { buildBatch } from '@milepost/records';
import { Fetch, Metadata, OffsetCommit, OffsetFetch, Produce } from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

const host = nodeHost();
const folders: string[] = [];
const running: BrokerUnderTest[] = [];

async function given(properties: Record<string, string> = {}, on: Host = host): Promise<BrokerUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'milepost-restart-'));
  folders.push(folder);
  const it = new BrokerUnderTest(on, folder, properties);
  running.push(it);
  await it.start();
  return it;
}

afterEach(async () => {
  for (const it of running.splice(0)) await it.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const numbered = (baseSequence: number): Buffer =>
  buildBatch({
    records: [{ key: null, value: Buffer.from(`${baseSequence}`), timestamp: Timestamp(5) }],
    producerId: 77n,
    producerEpoch: 0,
    baseSequence,
  });

async function produce(client: RawClient, topic: string, records: Buffer) {
  const { responses } = await client.ask(Produce, 8, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }],
  });
  return responses[0]?.partitionResponses[0];
}

test('offsets continue, written records are read, and duplicates of producers are recognized', async () => {
  const it = await given();
  const before = await it.client();
  await before.ask(Metadata, 4, { topics: [{ name: 'trucks' }] });
  await produce(before, 'trucks', numbered(0));
  await produce(before, 'trucks', numbered(1));
  await it.stop();
  await it.start();
  const after = await it.client();
  expect(await produce(after, 'trucks', numbered(1))).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 1 });
  expect(await produce(after, 'trucks', numbered(2))).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 2 });
  const { responses } = await after.ask(Fetch, 11, {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{ topic: 'trucks', partitions: [{ partition: 0, fetchOffset: Offset(0), partitionMaxBytes: 1 << 20 }] }],
  });
  const read = responses[0]?.partitions[0];
  expect(read).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 3 });
  expect(read?.records).toHaveLength(3 * numbered(0).length);
});

test('committed offsets are there after a restart', async () => {
  const it = await given();
  const before = await it.client();
  await before.ask(Metadata, 4, { topics: [{ name: 'trucks' }] });
  const committed = await before.ask(OffsetCommit, 8, {
    groupId: 'readers',
    memberId: '',
    topics: [
      { name: 'trucks', partitions: [{ partitionIndex: 0, committedOffset: Offset(42), committedMetadata: 'here' }] },
    ],
  });
  expect(committed.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NONE);
  await it.stop();
  await it.start();
  const after = await it.client();
  const { groups } = await after.ask(OffsetFetch, 8, { groups: [{ groupId: 'readers', topics: null }] });
  expect(groups[0]?.topics).toMatchObject([
    { name: 'trucks', partitions: [{ partitionIndex: 0, committedOffset: 42, metadata: 'here' }] },
  ]);
});

test('a folder without a row is set aside, never deleted', async () => {
  const it = await given();
  const client = await it.client();
  await client.ask(Metadata, 4, { topics: [{ name: 'trucks' }] });
  await it.stop();
  renameSync(join(it.dataDir, 'trucks-0'), join(it.dataDir, 'ghosts-0'));
  await it.start();
  expect(existsSync(join(it.dataDir, 'ghosts-0'))).toBe(false);
  expect(existsSync(join(it.dataDir, 'ghosts-0.stray'))).toBe(true);
});

test('folders that no row knows are named in one line, however many they are', async () => {
  const lines: string[] = [];
  const logger = { ...silentLogger, warn: (_: object, message: string) => void lines.push(message) };
  const it = await given({ 'num.partitions': '12' }, nodeHost({ logger }));
  const client = await it.client();
  await client.ask(Metadata, 4, { topics: [{ name: 'trucks' }] });
  await it.stop();
  for (let n = 0; n < 12; n++) renameSync(join(it.dataDir, `trucks-${n}`), join(it.dataDir, `ghosts-${n}`));
  await it.start();
  const strays = lines.filter((line) => line.includes('.stray'));
  expect(strays).toEqual([expect.stringMatching(/: ghosts-\d+(, ghosts-\d+){9} and 2 more$/)]);
});

test('a stop ends all waits', async () => {
  const it = await given();
  const client = await it.client();
  await client.ask(Metadata, 4, { topics: [{ name: 'trucks' }] });
  const waiting = client.ask(Fetch, 11, {
    maxWaitMs: 60_000,
    minBytes: 1,
    topics: [{ topic: 'trucks', partitions: [{ partition: 0, fetchOffset: Offset(0), partitionMaxBytes: 1 << 20 }] }],
  });
  // The next request is queued after it: when this one has its response, the fetch is waiting.
  const other = await it.client();
  await other.ask(Metadata, 4, { topics: [] });
  const stopped = it.broker.close();
  expect((await waiting).responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NONE);
  await stopped;
});

/** Its log knows epoch 7, the metadata 0: the next start has a change to commit. */
async function behindItsLog(): Promise<BrokerUnderTest> {
  const it = await given();
  const client = await it.client();
  await client.ask(Metadata, 4, { topics: [{ name: 'trucks' }, { name: 'old' }] });
  const older = it.metadata.image;
  const { id, partitions } = older.topics.get('trucks') as TopicState;
  const partition = { ...(partitions[0] as PartitionState), leaderEpoch: LeaderEpoch(7), partitionEpoch: 1 };
  await new MemoryMetadataStore(it.metadata).commit(() => [{ type: 'partition-changed', id, partition }]);
  await it.stop();
  await it.start();
  await produce(await it.client(), 'trucks', numbered(0));
  await it.stop();
  it.metadata.image = older;
  return it;
}

test('a log that has seen a later leader epoch than the metadata, as with a restored database, continues one beyond it', async () => {
  const it = await behindItsLog();
  await it.start();
  expect(it.broker.image().topics.get('trucks')?.partitions[0]?.leaderEpoch).toBe(8);
  const again = await produce(await it.client(), 'trucks', numbered(1));
  expect(again).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 1 });
});

test('a start whose commit was made without a response continues from there (simulation, seed 2077748867)', async () => {
  const it = await behindItsLog();
  let { image } = it.metadata;
  let commits = 0;
  Object.defineProperty(it.metadata, 'image', {
    get: () => image,
    set: (newer: ClusterImage) => {
      image = newer;
      if (++commits === 1) throw new StoreUnavailable('the answer got lost');
    },
  });
  await it.start();
  expect(commits).toBeGreaterThan(0);
  expect(it.broker.image().topics.get('trucks')?.partitions[0]?.leaderEpoch).toBe(8);
});

test('a deletion of the last life, committed while the next one starts, frees the name for another topic (simulation, seed 162835610)', async () => {
  const it = await behindItsLog();
  const { image } = it.metadata;
  const topics = new Map([...image.topics].filter(([name]) => name !== 'old'));
  let seen = 0;
  let now: ClusterImage = { ...image, topics };
  Object.defineProperty(it.metadata, 'image', {
    get: () => (seen++ === 0 ? image : now),
    set: (newer: ClusterImage) => {
      now = newer;
    },
  });
  await it.start();
  const client = await it.client();
  await client.ask(Metadata, 4, { topics: [{ name: 'old' }] });
  expect(await produce(client, 'old', numbered(0))).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
});
