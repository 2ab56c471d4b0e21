// The producer and the consumer against a real Milepost broker: what is produced is consumed, whole and in order.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, createBroker } from '@milepost/broker';
import {
  GroupTable,
  MemoryGroupStore,
  MemoryShareStateStore,
  MemoryTransactionStore,
  TransactionTable,
} from '@milepost/coordinators';
import { AddressInUse, BrokerId, silentLogger } from '@milepost/core';
import { MemoryBrokerLeases, MemoryMetadataDatabase, MemoryMetadataStore } from '@milepost/metadata';
import { nodeHost } from '@milepost/node-host';
import { Consumer as Client, Producer as OtherProducer } from '@platformatic/kafka';
import {
  AdminClient,
  type ConsumedRecord,
  Consumer,
  type ConsumerOptions,
  ensureTopics,
  Producer,
  readBack,
} from './index.ts';

const host = nodeHost();
const folder = mkdtempSync(join(tmpdir(), 'milepost-streams-'));
const metadata = new MemoryMetadataDatabase();
const groups = new GroupTable();
const transactions = new TransactionTable();
/** Not one of the system's ephemeral ports: it must be free when the broker restarts. */
let port = 20_000 + (process.pid % 12_000);
let broker: Broker;
const logger = silentLogger;
const bootstrapServers = (): string[] => [`127.0.0.1:${port}`];

async function startBroker(): Promise<void> {
  const stores = {
    metadata: new MemoryMetadataStore(metadata),
    groups: new MemoryGroupStore(groups),
    shares: new MemoryShareStateStore(groups),
    transactions: new MemoryTransactionStore(transactions),
    leases: new MemoryBrokerLeases(metadata, host.clock),
  };
  broker = await createBroker(host, stores, {
    brokerId: BrokerId(1),
    dataDir: folder,
    listen: { host: '127.0.0.1', port },
    advertised: { host: '127.0.0.1', port },
    rack: null,
    flush: 'always',
    properties: { 'group.initial.rebalance.delay.ms': '0' },
  });
}

/** On the first free port. */
async function startFirst(): Promise<void> {
  for (;;)
    try {
      return await startBroker();
    } catch (failure) {
      if (!(failure instanceof AddressInUse)) throw failure;
      port++;
    }
}

beforeAll(startFirst);
afterAll(async () => {
  await broker.close();
  rmSync(folder, { recursive: true });
});

const recordOf = (topic: string, key: string, value: string) => ({
  topic,
  key: Buffer.from(key),
  value: Buffer.from(value),
  timestamp: 1_790_000_000_000,
});

async function produce(topic: string, count: number, partitions = 3): Promise<void> {
  await ensureTopics({ bootstrapServers: bootstrapServers() }, [{ name: topic, partitions }]);
  const producer = new Producer({ bootstrapServers: bootstrapServers(), clientId: 'test', logger });
  await producer.send(Array.from({ length: count }, (_, n) => recordOf(topic, `truck-${n % 7}`, String(n))));
  await producer.close();
}

/** Consumes until `count` records have been handled. */
async function consumed(
  topic: string,
  count: number,
  more: Partial<ConsumerOptions> = {},
): Promise<readonly ConsumedRecord[]> {
  const seen: ConsumedRecord[] = [];
  const enough = Promise.withResolvers<void>();
  const consumer = new Consumer({
    bootstrapServers: bootstrapServers(),
    groupId: `group-${topic}`,
    clientId: 'test',
    topics: [topic],
    logger,
    ...more,
    handle: async (records) => {
      await more.handle?.(records);
      seen.push(...records);
      if (seen.length >= count) enough.resolve();
    },
  });
  await enough.promise;
  await consumer.close();
  return seen;
}

const valuesOf = (records: readonly ConsumedRecord[]): number[] => records.map(({ value }) => Number(value));
const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

test('what is produced is consumed once, whole, each key in order', async () => {
  await produce('whole', 5000);
  const records = await consumed('whole', 5000);
  expect(ascending(valuesOf(records))).toEqual(range(0, 5000));
  for (const own of Map.groupBy(records, ({ key }) => String(key)).values()) {
    const values = valuesOf(own);
    expect(values).toEqual(ascending(values));
    expect(new Set(own.map(({ partition }) => partition)).size).toBe(1);
  }
});

test('a record keeps its key, value, headers and timestamp, or their absence', async () => {
  await ensureTopics({ bootstrapServers: bootstrapServers() }, [{ name: 'kept', partitions: 1 }]);
  const producer = new Producer({ bootstrapServers: bootstrapServers(), clientId: 'test', logger });
  const headers = new Map([
    ['mqtt.topic', Buffer.from('trucks/t-1/gps')],
    ['größe', Buffer.alloc(0)],
  ]);
  await producer.send([
    { ...recordOf('kept', 't-1', 'first'), headers },
    { topic: 'kept', partition: 0, key: null, value: Buffer.alloc(100_000, 'x'), timestamp: 1_790_000_000_500 },
    { topic: 'kept', key: Buffer.from('gone'), value: null, timestamp: 1_789_999_999_000 },
  ]);
  await producer.close();
  const [first, second, third] = (await consumed('kept', 3)) as [ConsumedRecord, ConsumedRecord, ConsumedRecord];
  expect(first).toMatchObject({ topic: 'kept', partition: 0, offset: 0, timestamp: 1_790_000_000_000 });
  expect([String(first.key), String(first.value)]).toEqual(['t-1', 'first']);
  expect(first.headers).toEqual(headers);
  expect(second).toMatchObject({ offset: 1, key: null, timestamp: 1_790_000_000_500 });
  expect(second.value).toHaveLength(100_000);
  expect(second.headers.size).toBe(0);
  expect(third).toMatchObject({ offset: 2, value: null, timestamp: 1_789_999_999_000 });
});

test('a group continues after the handled records', async () => {
  await produce('resumed', 100);
  await consumed('resumed', 100);
  await produce('resumed', 50);
  expect(ascending(valuesOf(await consumed('resumed', 50)))).toEqual(range(0, 50));
});

test('a batch that could not be handled is delivered again, and nothing is skipped', async () => {
  await produce('again', 200);
  let isFirst = true;
  const records = await consumed('again', 200, {
    handle: async () => {
      if (!isFirst) return;
      isFirst = false;
      throw new Error('the database is away');
    },
  });
  expect(ascending(valuesOf(records))).toEqual(range(0, 200));
});

test('at most once, a batch that could not be handled is not delivered again', async () => {
  await produce('once', 100, 1);
  const failed = Promise.withResolvers<readonly ConsumedRecord[]>();
  let isFirst = true;
  const later = consumed('once', 50, {
    delivery: 'at-most-once',
    handle: async (batch) => {
      if (!isFirst) return;
      isFirst = false;
      failed.resolve(batch);
      throw new Error('the program crashes');
    },
  });
  expect(valuesOf(await failed.promise)).toEqual(range(0, 100));
  await produce('once', 50, 1);
  expect(valuesOf(await later)).toEqual(range(0, 50));
});

test('a group with an offset in the middle of a batch gets its second half', async () => {
  await produce('middle', 100, 1);
  const client = new Client({ groupId: 'group-middle', clientId: 'test', bootstrapBrokers: bootstrapServers() });
  await client.joinGroup({});
  await client.commit({ offsets: [{ topic: 'middle', partition: 0, offset: 60n, leaderEpoch: -1 }] });
  await client.close(true);
  expect(valuesOf(await consumed('middle', 40))).toEqual(range(60, 100));
});

test('a handler that takes its time gets everything, in order', async () => {
  await ensureTopics({ bootstrapServers: bootstrapServers() }, [{ name: 'slow', partitions: 1 }]);
  const producer = new Producer({ bootstrapServers: bootstrapServers(), clientId: 'test', logger });
  const key = 'x'.repeat(300);
  for (let from = 0; from < 30_000; from += 1000)
    await producer.send(range(from, from + 1000).map((n) => recordOf('slow', key, String(n))));
  await producer.close();
  const sizes: number[] = [];
  const records = await consumed('slow', 30_000, {
    handle: async (batch) => {
      sizes.push(batch.length);
      await new Promise((resolve) => setTimeout(resolve, 30));
    },
  });
  expect(valuesOf(records)).toEqual(range(0, 30_000));
  expect(Math.max(...sizes)).toBeLessThan(20_000);
});

test('records of other producers are read with every compression', async () => {
  await ensureTopics({ bootstrapServers: bootstrapServers() }, [{ name: 'packed', partitions: 1 }]);
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const other = new OtherProducer({ clientId: 'other', bootstrapBrokers: bootstrapServers() });
    const value = Buffer.from(compression.repeat(100));
    await other.send({ messages: [{ topic: 'packed', partition: 0, value }], compression });
    await other.close();
  }
  const values = (await consumed('packed', 5)).map(({ value }) => String(value).slice(0, 4));
  expect(values).toEqual(['none', 'gzip', 'snap', 'lz4l', 'zstd']);
});

test('a range is read back from a time to the end, and no further', async () => {
  await produce('stretch', 100);
  const seen: ConsumedRecord[] = [];
  const options = { bootstrapServers: bootstrapServers(), clientId: 'test', topic: 'stretch' };
  for await (const records of readBack({ ...options, fromTimestamp: 1_790_000_000_000 })) seen.push(...records);
  expect(ascending(valuesOf(seen))).toEqual(range(0, 100));
  for await (const records of readBack({ ...options, fromTimestamp: 1_790_000_000_001 })) seen.push(...records);
  expect(seen).toHaveLength(100);
});

test('the admin client describes the partitions of internal topics, and lists them only where wanted', async () => {
  await produce('internal', 1, 1);
  await consumed('internal', 1);
  const admin = new AdminClient({ clientId: 'test', bootstrapBrokers: bootstrapServers() });
  const { topics } = await admin.metadata({ topics: ['__consumer_offsets', 'internal'], autocreateTopics: false });
  expect(topics.get('__consumer_offsets')?.partitionsCount).toBeGreaterThan(1);
  expect(topics.get('internal')?.partitionsCount).toBe(1);
  expect(await admin.listTopics({ includeInternals: false })).not.toContain('__consumer_offsets');
  expect(await admin.listTopics({ includeInternals: true })).toContain('__consumer_offsets');
  await admin.close();
});

test('a consumer outlives its broker', async () => {
  await produce('outlived', 10, 1);
  const whole = Promise.withResolvers<void>();
  const seen: number[] = [];
  const consumer = new Consumer({
    bootstrapServers: bootstrapServers(),
    groupId: 'group-outlived',
    clientId: 'test',
    topics: ['outlived'],
    logger,
    handle: async (records) => {
      seen.push(...valuesOf(records));
      if (new Set(seen).size === 20) whole.resolve();
      if (seen.length >= 10) half.resolve();
    },
  });
  const half = Promise.withResolvers<void>();
  await half.promise;
  await broker.close();
  await startBroker();
  const producer = new Producer({ bootstrapServers: bootstrapServers(), clientId: 'test', logger });
  await producer.send(range(10, 20).map((n) => recordOf('outlived', 'truck', String(n))));
  await producer.close();
  await whole.promise;
  await consumer.close();
  expect(ascending([...new Set(seen)])).toEqual(range(0, 20));
});
