// Real clients in normal use: kafkajs covers the low end of the protocol, @platformatic/kafka the high end, kcat
// (librdkafka) the middle.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeHost } from '@milepost/node-host';
import {
  Admin,
  Consumer,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { BrokerUnderTest } from './testing/broker-under-test.ts';

const host = nodeHost();
const folder = mkdtempSync(join(tmpdir(), 'milepost-clients-'));
const it = new BrokerUnderTest(host, folder, { 'num.partitions': '3' });

beforeAll(() => it.start());
afterAll(async () => {
  await it.stop();
  rmSync(folder, { recursive: true });
});

const numbers = Array.from({ length: 500 }, (_, number) => `${number}`);
const inOrder = (values: readonly string[]): string[] => values.toSorted((a, b) => Number(a) - Number(b));

describe('kafkajs', () => {
  const { Kafka, logLevel, CompressionTypes, ConfigResourceTypes } = kafkajs;
  // The client's own limit for a connection is a second.
  const quiet = { clientId: 'js', logLevel: logLevel.NOTHING, connectionTimeout: 30_000 };
  const kafka = () => new Kafka({ brokers: [it.bootstrap], ...quiet });

  test.each([
    ['none', CompressionTypes.None],
    ['gzip', CompressionTypes.GZIP],
  ])('produces and a group consumes everything, with compression %s', async (name, compression) => {
    const topic = `js-${name}`;
    const producer = kafka().producer({ idempotent: true });
    await producer.connect();
    await producer.send({
      topic,
      compression,
      messages: numbers.map((value) => ({ key: value, value, headers: { from: 'js' } })),
    });
    await producer.disconnect();

    const consumer = kafka().consumer({ groupId: `js-${name}` });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) => {
          expect(message.headers?.['from']?.toString()).toBe('js');
          seen.push(String(message.value));
          if (seen.length === numbers.length) resolve();
        },
      });
    });
    await consumer.disconnect();
    expect(inOrder(seen)).toEqual(numbers);
  });

  test('administers topics, configs, groups and offsets', async () => {
    const admin = kafka().admin();
    await admin.connect();
    const topic = 'js-admin';
    expect(await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })).toBe(true);
    expect(await admin.createTopics({ topics: [{ topic }] })).toBe(false);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(topics[0]?.partitions).toHaveLength(4);
    expect((await admin.describeCluster()).brokers).toHaveLength(1);

    const resource = { type: ConfigResourceTypes.TOPIC, name: topic };
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '1234' }] }],
    });
    const configs = await admin.describeConfigs({ resources: [resource], includeSynonyms: false });
    const retention = configs.resources[0]?.configEntries.find(({ configName }) => configName === 'retention.ms');
    expect(retention?.configValue).toBe('1234');

    const offsets = await admin.fetchOffsets({ groupId: 'js-gzip', topics: ['js-gzip'] });
    expect(offsets[0]?.partitions.reduce((sum, { offset }) => sum + Number(offset), 0)).toBe(numbers.length);
    expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).toContain('js-none');
    await admin.deleteGroups(['js-none']);
    await admin.deleteTopics({ topics: [topic] });
    expect(await admin.listTopics()).not.toContain(topic);
    await admin.disconnect();
  });
});

describe('@platformatic/kafka', () => {
  /** Without retries, so the timeouts are long: no test may fail because the machine was slow. */
  const patient = { retries: 0, connectTimeout: 60_000, requestTimeout: 60_000, timeout: 60_000 };
  const base = () => ({ clientId: 'platformatic', bootstrapBrokers: [it.bootstrap], ...patient });

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'produces and a group consumes everything, with compression %s',
    async (compression) => {
      const topic = `platformatic-${compression}`;
      const producer = new Producer({
        ...base(),
        serializers: stringSerializers,
        autocreateTopics: true,
        idempotent: true,
      });
      await producer.send({ compression, messages: numbers.map((value) => ({ topic, key: value, value })) });
      await producer.close();

      const consumer = new Consumer({ ...base(), groupId: topic, deserializers: stringDeserializers });
      const stream = await consumer.consume({
        topics: [topic],
        mode: MessagesStreamModes.EARLIEST,
        sessionTimeout: 45_000,
        heartbeatInterval: 500,
      });
      const seen: string[] = [];
      for await (const message of stream) {
        seen.push(message.value);
        if (seen.length === numbers.length) break;
      }
      await consumer.close(true);
      expect(inOrder(seen)).toEqual(numbers);
    },
  );

  test('administers topics and groups', async () => {
    const admin = new Admin(base());
    const created = await admin.createTopics({ topics: ['platformatic-admin'], partitions: 5, replicas: 1 });
    expect(created).toMatchObject([{ name: 'platformatic-admin', partitions: 5, replicas: 1 }]);
    expect(await admin.listTopics()).toContain('platformatic-admin');
    expect([...(await admin.listGroups()).keys()]).toContain('platformatic-zstd');
    const described = await admin.describeGroups({ groups: ['platformatic-zstd'] });
    expect(described.get('platformatic-zstd')?.state).toBe('Empty');
    await admin.deleteTopics({ topics: ['platformatic-admin'] });
    expect(await admin.listTopics()).not.toContain('platformatic-admin');
    await admin.close();
  });
});

describe('kcat', () => {
  const kcat = (args: readonly string[], input = ''): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = execFile('kcat', ['-b', it.bootstrap, ...args], (failure, stdout) =>
        failure ? reject(failure) : resolve(stdout),
      );
      // The process may be gone before it has read anything.
      child.stdin?.on('error', () => {}).end(input);
    });

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('writes and reads with %s', async (codec) => {
    const isThere = await kcat(['-V']).then(
      () => true,
      () => false,
    );
    if (!isThere) return void process.stderr.write('skipped: kcat is not installed\n');
    const topic = `kcat-${codec}`;
    await kcat(['-P', '-t', topic, '-z', codec, '-X', 'enable.idempotence=true'], numbers.join('\n'));
    const read = await kcat(['-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%s\\n']);
    expect(inOrder(read.trim().split('\n'))).toEqual(numbers);
  });
});

test('operators see what clients did', async () => {
  const topic = it.broker.topics().find(({ name }) => name === 'js-gzip');
  const committed = (await it.broker.groupsSnapshot()).find(({ groupId }) => groupId === 'js-gzip');
  expect(topic?.partitions.map(({ log }) => Number(log?.highWatermark)).reduce((a, b) => a + b, 0)).toBe(
    numbers.length,
  );
  expect(committed?.offsets.map(({ offset, lag }) => offset + (lag ?? 0)).reduce((a, b) => a + b)).toBe(numbers.length);
});
