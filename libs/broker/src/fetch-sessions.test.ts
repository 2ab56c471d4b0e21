// Fetch sessions (KIP-227) against a running broker, request by request.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrorCode, Offset, Timestamp, type Uuid, ZERO_UUID } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { buildBatch } from '@milepost/records';
import { PrometheusMeter } from '@milepost/telemetry';
import { CreateTopics, DeleteTopics, Fetch, Produce, type RequestInput } from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'milepost-sessions-'));
const meter = new PrometheusMeter();
const it = new BrokerUnderTest(nodeHost({ meter }), folder);
let client: RawClient;

beforeAll(async () => {
  await it.start();
  client = await it.client();
});
afterAll(async () => {
  await it.stop();
  rmSync(folder, { recursive: true });
});

async function create(name: string, numPartitions: number): Promise<Uuid> {
  const { topics } = await client.ask(CreateTopics, 7, { topics: [{ name, numPartitions, replicationFactor: 1 }] });
  return topics[0]?.topicId as Uuid;
}

async function produce(name: string, index: number, sizeBytes = 10): Promise<void> {
  const record = { key: null, value: Buffer.alloc(sizeBytes), timestamp: Timestamp(1) };
  const records = buildBatch({ records: [record] });
  const { responses } = await client.ask(Produce, 8, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{ name, topicId: ZERO_UUID, partitionData: [{ index, records }] }],
  });
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE);
}

const partition = (index: number, fetchOffset = 0) => ({
  partition: index,
  fetchOffset: Offset(fetchOffset),
  partitionMaxBytes: 1 << 20,
});

/** The session's id and error, and of each partition in the response: index, number of records, high watermark. */
async function fetch(version: number, request: Partial<RequestInput<typeof Fetch>>) {
  const answer = await client.ask(Fetch, version, { maxWaitMs: 0, minBytes: 1, topics: [], ...request });
  const partitions = answer.responses.flatMap((topic) =>
    topic.partitions.map((one) => ({
      index: one.partitionIndex,
      errorCode: one.errorCode,
      isEmpty: one.records?.length === 0,
      highWatermark: one.highWatermark,
    })),
  );
  return { sessionId: answer.sessionId, errorCode: answer.errorCode, partitions };
}

const here = (index: number, highWatermark: number, isEmpty = true) => ({
  index,
  errorCode: ErrorCode.NONE,
  isEmpty,
  highWatermark,
});

test('a consumer of many partitions gets only the one with new records', async () => {
  await create('wide', 50);
  const all = Array.from({ length: 50 }, (_, index) => partition(index));
  const first = await fetch(11, { sessionEpoch: 0, topics: [{ topic: 'wide', partitions: all }] });
  expect(first.partitions).toHaveLength(50);
  const { sessionId } = first;
  expect(sessionId).toBeGreaterThan(0);

  expect((await fetch(11, { sessionId, sessionEpoch: 1 })).partitions).toEqual([]);
  const waiting = fetch(11, { sessionId, sessionEpoch: 2, maxWaitMs: 20_000 });
  const other = await it.client();
  const record = { key: null, value: Buffer.from('v'), timestamp: Timestamp(1) };
  await other.ask(Produce, 8, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [
      { name: 'wide', topicId: ZERO_UUID, partitionData: [{ index: 33, records: buildBatch({ records: [record] }) }] },
    ],
  });
  expect((await waiting).partitions).toEqual([here(33, 1, false)]);

  const moved = [{ topic: 'wide', partitions: [partition(33, 1)] }];
  expect((await fetch(11, { sessionId, sessionEpoch: 3, topics: moved })).partitions).toEqual([]);
  const series = await meter.text();
  expect(series).toMatch(/^kafka_server_fetchsessioncache_numincrementalfetchsessions 1$/m);
  expect(series).toMatch(/^kafka_server_fetchsessioncache_numincrementalfetchpartitionscached 50$/m);
  expect(series).toMatch(/^kafka_server_fetchsessioncache_incrementalfetchsessionevictions_total 0$/m);
  expect((await fetch(11, { sessionId, sessionEpoch: -1 })).sessionId).toBe(0);
  expect(await fetch(11, { sessionId, sessionEpoch: 4 })).toEqual({
    sessionId: 0,
    errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
    partitions: [],
  });
});

test('a partition with much to read does not starve the others', async () => {
  await create('busy', 3);
  for (const index of [0, 1, 2]) await produce('busy', index, 5_000);
  const small = (index: number, offset: number) => ({ ...partition(index, offset), partitionMaxBytes: 100 });
  const topics = [{ topic: 'busy', partitions: [0, 1, 2].map((index) => small(index, 0)) }];
  // Each response has room for one batch: partition 0 would fill each one, because its offset never moves.
  const { sessionId } = await fetch(11, { sessionEpoch: 0, maxBytes: 100, topics });
  const seen: number[] = [];
  for (let sessionEpoch = 1; sessionEpoch <= 6; sessionEpoch++) {
    const { partitions } = await fetch(11, { sessionId, sessionEpoch, maxBytes: 100 });
    seen.push(...partitions.filter(({ isEmpty }) => !isEmpty).map(({ index }) => index));
  }
  expect(seen).toEqual([0, 1, 2, 0, 1, 2]);
});

test('by topic id, a recreated topic is not mistaken for the old one', async () => {
  const topicId = await create('named', 1);
  const topics = [{ topicId, partitions: [partition(0)] }];
  const { sessionId } = await fetch(16, { sessionEpoch: 0, topics });
  expect(sessionId).toBeGreaterThan(0);
  expect(await fetch(12, { sessionId, sessionEpoch: 1 })).toMatchObject({
    sessionId: 0,
    errorCode: ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
  });
  expect(await fetch(16, { sessionId, sessionEpoch: 7 })).toMatchObject({
    sessionId: 0,
    errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  });
  await client.ask(DeleteTopics, 3, { topicNames: ['named'], timeoutMs: 60_000 });
  const gone = await fetch(16, { sessionId, sessionEpoch: 1 });
  expect(gone.partitions.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
  await create('named', 1);
  const anew = await fetch(16, { sessionId, sessionEpoch: 2, maxWaitMs: 20_000 });
  expect(anew.partitions.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.INCONSISTENT_TOPIC_ID]);
  const unknown = await fetch(16, { sessionEpoch: 0, topics });
  expect(unknown.partitions.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.UNKNOWN_TOPIC_ID]);
});

test('an unknown topic does not hasten the response about existing ones', async () => {
  await create('there', 1);
  const topics = [
    { topic: 'nowhere', partitions: [partition(0)] },
    { topic: 'there', partitions: [partition(0)] },
  ];
  const began = performance.now();
  const { partitions } = await fetch(11, { sessionEpoch: -1, maxWaitMs: 100, topics });
  expect(performance.now() - began).toBeGreaterThan(90);
  expect(partitions.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
});
