// Raw frames against a running broker: clients that do everything wrong, and clients that do much concurrently.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrorCode, type Logger, NO_OFFSET, Offset, silentLogger, Timestamp, ZERO_UUID } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { buildBatch } from '@milepost/records';
import {
  ApiVersions,
  CreateTopics,
  Fetch,
  InitProducerId,
  ListOffsets,
  Metadata,
  Produce,
  type ProduceRequest,
  requestFrame,
} from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

const warnings: string[] = [];
const logger: Logger = { ...silentLogger, warn: (_, message) => warnings.push(message) };
const folder = mkdtempSync(join(tmpdir(), 'milepost-protocol-'));
const host = nodeHost({ logger });
const it = new BrokerUnderTest(host, folder);

beforeAll(() => it.start());
afterAll(async () => {
  await it.stop();
  rmSync(folder, { recursive: true });
});

let topics = 0;

/** Each test gets its own topic. */
async function topic(client: RawClient, configs: Record<string, string> = {}, partitions = 1): Promise<string> {
  const name = `topic-${topics++}`;
  const created = await client.ask(CreateTopics, 4, {
    topics: [
      {
        name,
        numPartitions: partitions,
        replicationFactor: 1,
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      },
    ],
  });
  expect(created.topics[0]?.errorCode).toBe(ErrorCode.NONE);
  return name;
}

const record = (value: string) => ({ key: Buffer.from('k'), value: Buffer.from(value), timestamp: Timestamp(1_000) });
const batch = (...values: string[]): Buffer => buildBatch({ records: values.map(record) });

const producing = (name: string, records: Buffer | null, more: Partial<ProduceRequest> = {}) => ({
  transactionalId: null,
  acks: -1,
  timeoutMs: 60_000,
  topicData: [{ name, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }],
  ...more,
});

const fetching = (name: string, fetchOffset: number, more: { maxWaitMs?: number; minBytes?: number } = {}) => ({
  maxWaitMs: 0,
  minBytes: 1,
  topics: [
    { topic: name, partitions: [{ partition: 0, fetchOffset: Offset(fetchOffset), partitionMaxBytes: 1 << 20 }] },
  ],
  ...more,
});

async function produce(client: RawClient, name: string, records: Buffer | null, more: Partial<ProduceRequest> = {}) {
  const response = await client.ask(Produce, 8, producing(name, records, more));
  const written = response.responses[0]?.partitionResponses[0];
  if (!written) throw new Error('an answer without a partition');
  return written;
}

async function fetch(client: RawClient, ...asked: Parameters<typeof fetching>) {
  const response = await client.ask(Fetch, 11, fetching(...asked));
  const read = response.responses[0]?.partitions[0];
  if (!read) throw new Error('an answer without a partition');
  return read;
}

test('ApiVersions of an unknown version is answered in version 0 with our own range', async () => {
  const client = await it.client();
  const frame = requestFrame(
    ApiVersions,
    { apiVersion: 4, correlationId: 7, clientId: null },
    {
      clientSoftwareName: 'x',
      clientSoftwareVersion: '1',
    },
  );
  frame.writeInt16BE(99, 6);
  const answer = client.nextFrame();
  client.send(frame);
  expect((await answer).toString('hex')).toBe('000000070023000000010012' + '00000004');
});

test('the advertised APIs are the list of handlers, with Produce from 0 on', async () => {
  const client = await it.client();
  const { apiKeys, errorCode } = await client.ask(ApiVersions, 3, {
    clientSoftwareName: 'test',
    clientSoftwareVersion: '1.0',
  });
  expect(errorCode).toBe(ErrorCode.NONE);
  expect(apiKeys).toContainEqual({ apiKey: 0, minVersion: 0, maxVersion: 13 });
  expect(apiKeys).toContainEqual({ apiKey: 1, minVersion: 4, maxVersion: 18 });
  expect(new Set(apiKeys.map(({ apiKey }) => apiKey)).size).toBe(apiKeys.length);
});

test.each([
  ['an unsupported version', Buffer.from([0, 0, 0, 10, 0, 3, 0, 99, 0, 0, 0, 1, 255, 255])],
  ['an unknown API', Buffer.from([0, 0, 0, 10, 9, 9, 0, 0, 0, 0, 0, 1, 255, 255])],
  ['a length beyond the limit', Buffer.from([0x7f, 0xff, 0xff, 0xff])],
  ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xff])],
  ['a body that ends too early', Buffer.from([0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 255, 255, 0, 0, 0, 5])],
])('%s ends that connection with a log line, and no other', async (_, bytes) => {
  const other = await it.client();
  const client = await it.client();
  warnings.length = 0;
  client.send(bytes);
  await client.closed;
  expect(warnings).toHaveLength(1);
  expect((await other.ask(Metadata, 1, { topics: [] })).brokers).toHaveLength(1);
});

test('pipelined produces are answered in order, each with its own offset', async () => {
  const client = await it.client();
  const name = await topic(client);
  const written = await Promise.all(Array.from({ length: 50 }, (_, n) => produce(client, name, batch(`${n}`, 'x'))));
  expect(written.map(({ baseOffset }) => baseOffset)).toEqual(Array.from({ length: 50 }, (_, n) => n * 2));
  expect(client.answered).toEqual(Array.from(client.answered.keys()));
});

test('a request after a produce sees its effect', async () => {
  const client = await it.client();
  const name = await topic(client);
  const written = produce(client, name, batch('a'));
  const read = fetch(client, name, 0);
  expect((await written).errorCode).toBe(ErrorCode.NONE);
  expect((await read).highWatermark).toBe(1);
});

test('a fetch at the end waits until something is committed', async () => {
  const [consumer, producer] = [await it.client(), await it.client()];
  const name = await topic(producer);
  const read = fetch(consumer, name, 0, { maxWaitMs: 20_000 });
  const records = batch('at last');
  await produce(producer, name, records);
  expect((await read).records?.subarray(61)).toEqual(records.subarray(61));
});

test('a fetch waits for its min_bytes, or until its max_wait', async () => {
  const client = await it.client();
  const name = await topic(client);
  const records = batch('a');
  await produce(client, name, records);
  const [consumer, producer] = [await it.client(), await it.client()];
  const read = fetch(consumer, name, 0, { maxWaitMs: 20_000, minBytes: records.length + 1 });
  await produce(producer, name, records);
  expect((await read).records).toHaveLength(2 * records.length);
  const short = await fetch(consumer, name, 0, { maxWaitMs: 5, minBytes: 1_000_000 });
  expect(short.records).toHaveLength(2 * records.length);
});

test('a fetch at an unknown offset is out of range, and the response has no offsets, as in Kafka', async () => {
  const client = await it.client();
  const name = await topic(client);
  await produce(client, name, batch('a'));
  expect(await fetch(client, name, 2)).toMatchObject({
    errorCode: ErrorCode.OFFSET_OUT_OF_RANGE,
    highWatermark: -1,
    logStartOffset: -1,
  });
  expect((await fetch(client, `${name}-ghost`, 0)).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});

test('the first batch is sent whatever its size, and no other beyond the limit', async () => {
  const client = await it.client();
  const name = await topic(client);
  const large = batch('x'.repeat(10_000));
  await produce(client, name, large);
  await produce(client, name, large);
  const asked = fetching(name, 0);
  const response = await client.ask(Fetch, 11, { ...asked, maxBytes: 100 });
  expect(response.responses[0]?.partitions[0]?.records).toHaveLength(large.length);
});

test.each<[string, (records: Buffer) => Buffer | null, Partial<ProduceRequest>, number]>([
  [
    'a flipped bit',
    (records) => {
      records.writeUInt8(records.readUInt8(65) ^ 1, 65);
      return records;
    },
    {},
    ErrorCode.CORRUPT_MESSAGE,
  ],
  ['acks of 2', (records) => records, { acks: 2 }, ErrorCode.INVALID_REQUIRED_ACKS],
  ['two batches in one', (records) => Buffer.concat([records, records]), {}, ErrorCode.INVALID_RECORD],
  ['no batch', () => null, {}, ErrorCode.INVALID_RECORD],
  ['a batch that is too large', () => batch('x'.repeat(2_000_000)), {}, ErrorCode.MESSAGE_TOO_LARGE],
  [
    'a transactional batch without a transaction',
    () =>
      buildBatch({ records: [record('t')], isTransactional: true, producerId: 5n, producerEpoch: 0, baseSequence: 0 }),
    { transactionalId: 't' },
    ErrorCode.INVALID_PRODUCER_ID_MAPPING,
  ],
  [
    'a transactional batch in a request without a transactional id',
    () =>
      buildBatch({ records: [record('t')], isTransactional: true, producerId: 5n, producerEpoch: 0, baseSequence: 0 }),
    {},
    ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  ],
])('%s is refused, and nothing is appended', async (_, spoil, more, errorCode) => {
  const client = await it.client();
  const name = await topic(client);
  expect(await produce(client, name, spoil(batch('a')), more)).toMatchObject({ errorCode, baseOffset: NO_OFFSET });
  expect((await produce(client, name, batch('a'))).baseOffset).toBe(0);
});

test('a record without a key is refused by a compacted topic, and named', async () => {
  const client = await it.client();
  const name = await topic(client, { 'cleanup.policy': 'compact' });
  const records = buildBatch({ records: [record('a'), { ...record('b'), key: null }] });
  expect(await produce(client, name, records)).toMatchObject({
    errorCode: ErrorCode.INVALID_RECORD,
    recordErrors: [{ batchIndex: 1 }],
  });
});

test('LogAppendTime is returned to the producer', async () => {
  const client = await it.client();
  const name = await topic(client, { 'message.timestamp.type': 'LogAppendTime' });
  const { logAppendTimeMs } = await produce(client, name, batch('a'));
  expect(logAppendTimeMs).toBeGreaterThan(1_700_000_000_000);
  const listed = await client.ask(ListOffsets, 4, {
    replicaId: -1 as never,
    topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: logAppendTimeMs }] }],
  });
  expect(listed.topics[0]?.partitions[0]).toMatchObject({ offset: 0, timestamp: logAppendTimeMs });
});

test('acks=0 has no response; an error closes the connection', async () => {
  const client = await it.client();
  const name = await topic(client);
  client.tell(Produce, 8, producing(name, batch('a'), { acks: 0 }));
  expect((await fetch(client, name, 0, { maxWaitMs: 20_000 })).records?.length).toBeGreaterThan(0);
  client.tell(Produce, 8, producing(`${name}-ghost`, batch('a'), { acks: 0 }));
  await client.closed;
});

test('a repeated idempotent batch gets the offset of the first, a gap is out of order', async () => {
  const client = await it.client();
  const name = await topic(client);
  const { producerId, producerEpoch } = await client.ask(InitProducerId, 4, {
    transactionalId: null,
    transactionTimeoutMs: 0,
  });
  const numbered = (baseSequence: number): Buffer =>
    buildBatch({ records: [record('a'), record('b')], producerId, producerEpoch, baseSequence });
  const [first, again, next] = await Promise.all([
    produce(client, name, numbered(0)),
    produce(client, name, numbered(0)),
    produce(client, name, numbered(2)),
  ]);
  expect([first.baseOffset, again.baseOffset, next.baseOffset]).toEqual([0, 0, 2]);
  expect((await produce(client, name, numbered(8))).errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
});

test('a topic is found by its id, and only while it exists', async () => {
  const client = await it.client();
  const name = await topic(client);
  const known = await client.ask(Metadata, 12, { topics: [{ name, topicId: ZERO_UUID }] });
  const topicId = known.topics[0]?.topicId ?? ZERO_UUID;
  const write = (id: typeof topicId) =>
    client.ask(
      Produce,
      13,
      producing('', batch('a'), {
        topicData: [{ name: '', topicId: id, partitionData: [{ index: 0, records: batch('a') }] }],
      }),
    );
  expect((await write(topicId)).responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE);
  const wrong = '12345678-1234-4234-8234-123456789012' as typeof topicId;
  expect((await write(wrong)).responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
});
