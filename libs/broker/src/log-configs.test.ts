// Topic properties as clients see them: a compacted topic over the wire, a produce that requires more replicas than are
// in sync.
import { BrokerId, ErrorCode, Offset, Timestamp, ZERO_UUID } from '@milepost/core';
import { type LogRecord, batchesOf, buildBatch } from '@milepost/records';
import { MemoryMetadataStore } from '@milepost/metadata';
import { nodeHost } from '@milepost/node-host';
import { CreateTopics, Fetch, ListOffsets, Produce } from '@milepost/wire';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

let folder: string;
let it: BrokerUnderTest;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'milepost-log-configs-'));
});
afterEach(async () => {
  await it.stop();
  rmSync(folder, { recursive: true });
});

async function started(properties: Record<string, string> = {}): Promise<RawClient> {
  it = new BrokerUnderTest(nodeHost(), folder, properties);
  await it.start();
  return it.client();
}

async function produce(client: RawClient, records: readonly (readonly [string, string | null])[], acks = -1) {
  const built = buildBatch({
    records: records.map(([key, value]) => ({
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      timestamp: Timestamp(Date.now()),
    })),
  });
  const { responses } = await client.ask(Produce, 8, {
    acks,
    timeoutMs: 60_000,
    topicData: [{ name: 't', topicId: ZERO_UUID, partitionData: [{ index: 0, records: built }] }],
  });
  return responses[0]?.partitionResponses[0]?.errorCode;
}

/** All records from an offset on, fetch by fetch: each continues at the batch's end, as a consumer does. */
async function consume(client: RawClient, from: number): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  for (let at = from; ; ) {
    const { responses } = await client.ask(Fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: Offset(at), partitionMaxBytes: 100_000 }] }],
    });
    const fetched = responses[0]?.partitions[0];
    expect(fetched?.errorCode).toBe(ErrorCode.NONE);
    const before = at;
    for (const batch of batchesOf(fetched?.records ?? Buffer.alloc(0))) {
      for (const record of batch.records()) if (record.offset >= at) found.push(record);
      at = batch.nextOffset;
    }
    if (at === before) return found;
  }
}

async function create(client: RawClient, configs: Record<string, string>): Promise<void> {
  const named = Object.entries(configs).map(([name, value]) => ({ name, value }));
  const { topics } = await client.ask(CreateTopics, 7, {
    topics: [{ name: 't', numPartitions: 1, replicationFactor: 1, configs: named }],
  });
  expect(topics[0]?.errorCode).toBe(ErrorCode.NONE);
}

test('a compacted topic retains the last record of each key, and a consumer reads across the holes', async () => {
  const client = await started({ 'log.cleaner.backoff.ms': '20' });
  await create(client, {
    'cleanup.policy': 'compact',
    'segment.bytes': '1048576',
    'min.cleanable.dirty.ratio': '0.01',
    'compression.type': 'zstd',
  });
  const noise = () => Array.from({ length: 300 }, () => Math.random().toString(36)).join('');
  for (let round = 0; round < 60; round++)
    expect(
      await produce(client, [
        ['changes', `${round}-${noise()}`],
        [`once-${round}`, noise()],
        ['deleted', round < 50 ? noise() : null],
      ]),
    ).toBe(ErrorCode.NONE);
  for (let n = 0; n < 200; n++)
    expect(await produce(client, [['changes', `${n}-${noise()}${noise()}${noise()}${noise()}`]])).toBe(0);
  const logs = () => readdirSync(join(folder, 't-0')).filter((name) => name.endsWith('.log'));
  expect(logs().length).toBeGreaterThan(1);
  // Until the cleaner has processed all segments but the active one: then nothing changes any more.
  const active = Math.max(...logs().map((name) => Number.parseInt(name, 10)));
  const repeated = (records: readonly LogRecord[], name: string) =>
    records.filter(({ key, offset }) => String(key) === name && offset < active).length > 1;
  let records: LogRecord[];
  do records = await consume(client, 0);
  while (repeated(records, 'changes') || repeated(records, 'deleted'));

  const last = new Map(records.map(({ key, value }) => [String(key), value]));
  expect(String(last.get('changes'))).toMatch(/^199-/);
  expect(last.get('deleted')).toBeNull();
  expect([...last.keys()].filter((key) => key.startsWith('once-'))).toHaveLength(60);
  const offsets = records.map(({ offset }) => offset);
  expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
  const middle = offsets[30] as Offset;
  expect((await consume(client, middle - 1)).map(({ offset }) => offset)).toEqual(
    offsets.filter((offset) => offset >= middle - 1),
  );
  const { topics } = await client.ask(ListOffsets, 7, {
    replicaId: BrokerId(-1),
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: Timestamp(0) }] }],
  });
  expect(topics[0]?.partitions[0]?.offset).toBe(offsets[0]);
  expect(topics[0]?.partitions[0]?.offset).toBeGreaterThan(0);
});

test('acks=all is refused with fewer replicas in sync than min.insync.replicas, or than there are', async () => {
  const client = await started();
  await create(client, { 'min.insync.replicas': '2' });
  expect(await produce(client, [['k', 'v']])).toBe(ErrorCode.NONE); // there is only one replica
  const topic = it.broker.image().topics.get('t');
  const partition = topic?.partitions[0];
  if (topic === undefined || partition === undefined) throw new Error('no topic');
  const wider = { ...partition, replicas: [BrokerId(1), BrokerId(2)], partitionEpoch: partition.partitionEpoch + 1 };
  await new MemoryMetadataStore(it.metadata).commit(() => [
    { type: 'partition-changed', id: topic.id, partition: wider },
  ]);
  while (it.broker.image().topics.get('t')?.partitions[0]?.replicas.length !== 2)
    await new Promise((resolve) => setImmediate(resolve));
  expect(await produce(client, [['k', 'v']])).toBe(ErrorCode.NOT_ENOUGH_REPLICAS);
  expect(await produce(client, [['k', 'v']], 1)).toBe(ErrorCode.NONE);
});
