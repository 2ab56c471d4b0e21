// Requests of administrators and dashboards to a running broker, and how it starts and fails to start.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DiskFailed,
  ErrorCode,
  type Host,
  type Labels,
  type Meter,
  Offset,
  Timestamp,
  ZERO_UUID,
} from '@milepost/core';
import { nodeDisk, nodeHost } from '@milepost/node-host';
import { buildBatch } from '@milepost/records';
import {
  AlterConfigs,
  ConfigOperation,
  ConfigResourceType,
  CreateAcls,
  CreateTopics,
  DeleteAcls,
  DeleteRecords,
  DeleteTopics,
  DescribeAcls,
  DescribeConfigs,
  DescribeTopicPartitions,
  Fetch,
  FindCoordinator,
  IncrementalAlterConfigs,
  Metadata,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  Produce,
  type ResponseOutput,
} from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

/** Records the last value of each series, as a scrape would show them. */
class SeenMeter implements Meter {
  readonly values = new Map<string, number>();
  readonly #collectors: (() => void | Promise<void>)[] = [];

  counter(name: string) {
    return {
      add: (amount = 1, labels: Labels = {}) => {
        const key = this.#key(name, labels);
        this.values.set(key, (this.values.get(key) ?? 0) + amount);
      },
      remove: (labels: Labels) => void this.values.delete(this.#key(name, labels)),
    };
  }
  gauge(name: string) {
    const fresh = new Set<string>();
    const gone = (key: string) => key.startsWith(`${name}{`) && !fresh.has(key);
    return {
      set: (value: number, labels: Labels = {}) => {
        fresh.add(this.#key(name, labels));
        this.values.set(this.#key(name, labels), value);
      },
      remove: (labels: Labels) => void this.values.delete(this.#key(name, labels)),
      sweep: () => {
        for (const key of [...this.values.keys()].filter(gone)) this.values.delete(key);
        fresh.clear();
      },
    };
  }
  histogram() {
    return { observe: () => {} };
  }
  onScrape(collect: () => void | Promise<void>): void {
    this.#collectors.push(collect);
  }
  async scrape(): Promise<void> {
    for (const collect of this.#collectors) await collect();
  }
  #key(name: string, labels: Labels): string {
    const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
    return `${name}{${pairs.join()}}`;
  }
}

const folders: string[] = [];
const running: BrokerUnderTest[] = [];

async function given(properties: Record<string, string> = {}, parts: Partial<Host> = {}): Promise<BrokerUnderTest> {
  const it = prepared(properties, parts);
  await it.start();
  return it;
}

function prepared(properties: Record<string, string> = {}, parts: Partial<Host> = {}): BrokerUnderTest {
  const folder = mkdtempSync(join(tmpdir(), 'milepost-operations-'));
  folders.push(folder);
  const it = new BrokerUnderTest(nodeHost(parts), folder, properties);
  running.push(it);
  return it;
}

afterEach(async () => {
  for (const it of running.splice(0)) await it.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function create(client: RawClient, name: string, numPartitions = 1): Promise<void> {
  await client.ask(CreateTopics, 7, { topics: [{ name, numPartitions, replicationFactor: 1 }] });
}

async function produce(client: RawClient, name: string, count: number): Promise<void> {
  const timestamp = Timestamp(1_000);
  const records = buildBatch({
    records: Array.from({ length: count }, () => ({ key: null, value: Buffer.from('v'), timestamp })),
  });
  const { responses } = await client.ask(Produce, 8, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{ name, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }],
  });
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE);
}

async function setOf(client: RawClient, name: string): Promise<Record<string, string | null>> {
  const { results } = await client.ask(DescribeConfigs, 4, {
    resources: [{ resourceType: ConfigResourceType.TOPIC, resourceName: name, configurationKeys: null }],
  });
  const set = results[0]?.configs.filter(({ configSource }) => configSource === 1) ?? [];
  return Object.fromEntries(set.map(({ name: key, value }) => [key, value]));
}

test('IncrementalAlterConfigs changes the named configs; AlterConfigs resets the rest', async () => {
  const client = await (await given()).client();
  await create(client, 'trucks');
  const resource = { resourceType: ConfigResourceType.TOPIC, resourceName: 'trucks' };
  const incremental = (name: string, configOperation: number, value: string | null) =>
    client.ask(IncrementalAlterConfigs, 1, {
      validateOnly: false,
      resources: [{ ...resource, configs: [{ name, configOperation, value }] }],
    });
  await incremental('retention.ms', ConfigOperation.SET, '1000');
  await incremental('cleanup.policy', ConfigOperation.APPEND, 'compact');
  expect(await setOf(client, 'trucks')).toEqual({ 'retention.ms': '1000', 'cleanup.policy': 'delete,compact' });
  await incremental('retention.ms', ConfigOperation.DELETE, null);
  expect(await setOf(client, 'trucks')).toEqual({ 'cleanup.policy': 'delete,compact' });
  const wrong = await incremental('retention.ms', ConfigOperation.SET, 'soon');
  expect(wrong.responses[0]?.errorCode).toBe(ErrorCode.INVALID_CONFIG);
  await client.ask(AlterConfigs, 2, {
    validateOnly: false,
    resources: [{ ...resource, configs: [{ name: 'segment.ms', value: '5000' }] }],
  });
  expect(await setOf(client, 'trucks')).toEqual({ 'segment.ms': '5000' });
});

test("appending to a broker's list adds to its default, and subtracting again leaves the default", async () => {
  const client = await (await given()).client();
  const resource = { resourceType: ConfigResourceType.BROKER, resourceName: '1' };
  const incremental = (configOperation: number) =>
    client.ask(IncrementalAlterConfigs, 1, {
      validateOnly: false,
      resources: [{ ...resource, configs: [{ name: 'log.cleanup.policy', configOperation, value: 'compact' }] }],
    });
  const policy = async () => {
    const wanted = { ...resource, configurationKeys: ['log.cleanup.policy'] };
    return (await client.ask(DescribeConfigs, 4, { resources: [wanted] })).results[0]?.configs[0]?.value;
  };
  await incremental(ConfigOperation.APPEND);
  expect(await policy()).toBe('delete,compact');
  await incremental(ConfigOperation.SUBTRACT);
  expect(await policy()).toBe('delete');
});

test('a changed config applies to the log immediately', async () => {
  const client = await (await given()).client();
  await create(client, 'trucks');
  await client.ask(AlterConfigs, 2, {
    validateOnly: false,
    resources: [
      {
        resourceType: ConfigResourceType.TOPIC,
        resourceName: 'trucks',
        configs: [{ name: 'cleanup.policy', value: 'compact' }],
      },
    ],
  });
  const records = buildBatch({ records: [{ key: null, value: Buffer.from('v'), timestamp: Timestamp(1) }] });
  const { responses } = await client.ask(Produce, 8, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{ name: 'trucks', topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }],
  });
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.INVALID_RECORD);
});

test('created topics and refused ones are returned, and nothing is created twice', async () => {
  const client = await (await given({ 'num.partitions': '4' })).client();
  const topic = (name: string, numPartitions = -1) => ({ name, numPartitions, replicationFactor: -1 });
  const { topics } = await client.ask(CreateTopics, 7, {
    topics: [topic('a'), topic('b', 0), topic('c'), topic('c')],
  });
  expect(topics.map(({ name, errorCode, numPartitions }) => [name, errorCode, numPartitions])).toEqual([
    ['a', ErrorCode.NONE, 4],
    ['b', ErrorCode.INVALID_PARTITIONS, -1],
    ['c', ErrorCode.INVALID_REQUEST, -1],
  ]);
  const again = await client.ask(CreateTopics, 7, { topics: [topic('a')], validateOnly: true });
  expect(again.topics[0]?.errorCode).toBe(ErrorCode.TOPIC_ALREADY_EXISTS);
});

test('a recreated topic is another topic: neither its records nor its offsets return', async () => {
  const client = await (await given()).client();
  await create(client, 'trucks');
  await produce(client, 'trucks', 3);
  const commit = { partitionIndex: 0, committedOffset: Offset(3), committedMetadata: '' };
  await client.ask(OffsetCommit, 8, { groupId: 'g', memberId: '', topics: [{ name: 'trucks', partitions: [commit] }] });
  const deleted = await client.ask(DeleteTopics, 6, { topics: [{ name: 'trucks' }], timeoutMs: 60_000 });
  expect(deleted.responses[0]).toMatchObject({ name: 'trucks', errorCode: ErrorCode.NONE });
  await create(client, 'trucks');
  const { responses } = await client.ask(Fetch, 12, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic: 'trucks', partitions: [{ partition: 0, fetchOffset: Offset(0), partitionMaxBytes: 1_000 }] }],
  });
  expect(responses[0]?.partitions[0]).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 0 });
  const { groups } = await client.ask(OffsetFetch, 8, {
    groups: [{ groupId: 'g', topics: [{ name: 'trucks', partitionIndexes: [0] }] }],
  });
  expect(groups[0]?.topics[0]?.partitions[0]?.committedOffset).toBe(-1);
});

test('a missing topic is created for a metadata request, unless the broker or the request forbids it', async () => {
  const client = await (await given()).client();
  const ask = (allowAutoTopicCreation: boolean) =>
    client.ask(Metadata, 9, { topics: [{ name: 'trucks' }], allowAutoTopicCreation });
  expect((await ask(false)).topics[0]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  expect((await ask(true)).topics[0]).toMatchObject({ errorCode: ErrorCode.NONE, partitions: [{ leaderId: 1 }] });
  const bad = await client.ask(Metadata, 9, { topics: [{ name: 'a b' }] });
  expect(bad.topics[0]?.errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);

  const strict = await (await given({ 'auto.create.topics.enable': 'false' })).client();
  const refused = await strict.ask(Metadata, 9, { topics: [{ name: 'trucks' }] });
  expect(refused.topics[0]?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});

test('records are deleted up to the high watermark and never beyond', async () => {
  const client = await (await given()).client();
  await create(client, 'trucks');
  await produce(client, 'trucks', 3);
  const before = async (offset: number) => {
    const { topics } = await client.ask(DeleteRecords, 2, {
      timeoutMs: 60_000,
      topics: [{ name: 'trucks', partitions: [{ partitionIndex: 0, offset: Offset(offset) }] }],
    });
    return topics[0]?.partitions[0];
  };
  expect(await before(4)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
  expect(await before(2)).toMatchObject({ errorCode: ErrorCode.NONE, lowWatermark: 2 });
  expect(await before(-1)).toMatchObject({ errorCode: ErrorCode.NONE, lowWatermark: 3 });
});

test('offsets of missing partitions are neither stored nor deleted; the others are', async () => {
  const client = await (await given()).client();
  await create(client, 'trucks');
  const commit = (partitionIndex: number) => ({ partitionIndex, committedOffset: Offset(1), committedMetadata: null });
  const committed = await client.ask(OffsetCommit, 8, {
    groupId: 'g',
    memberId: '',
    topics: [{ name: 'trucks', partitions: [commit(7), commit(0)] }],
  });
  expect(committed.topics[0]?.partitions).toEqual([
    { partitionIndex: 7, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
    { partitionIndex: 0, errorCode: ErrorCode.NONE },
  ]);
  const deleted = await client.ask(OffsetDelete, 0, {
    groupId: 'g',
    topics: [{ name: 'trucks', partitions: [{ partitionIndex: 0 }, { partitionIndex: 7 }] }],
  });
  expect(deleted.topics[0]?.partitions.map(({ errorCode }) => errorCode)).toEqual([
    ErrorCode.NONE,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ]);
});

test('topics are described page by page', async () => {
  const client = await (await given()).client();
  await create(client, 'a', 3);
  await create(client, 'b', 2);
  const seen: string[] = [];
  type Page = ResponseOutput<typeof DescribeTopicPartitions>;
  let cursor: Page['nextCursor'] = null;
  do {
    const page: Page = await client.ask(DescribeTopicPartitions, 0, { topics: [], responsePartitionLimit: 2, cursor });
    for (const { name, partitions } of page.topics)
      for (const { partitionIndex } of partitions) seen.push(`${name}-${partitionIndex}`);
    cursor = page.nextCursor;
  } while (cursor);
  expect(seen).toEqual(['a-0', 'a-1', 'a-2', 'b-0', 'b-1']);
});

test('every group and every transaction is coordinated here, and no share group is', async () => {
  const it = await given();
  const client = await it.client();
  const one = await client.ask(FindCoordinator, 2, { key: 'g' });
  expect(one).toMatchObject({ errorCode: ErrorCode.NONE, nodeId: 1, port: it.broker.address.port });
  const many = await client.ask(FindCoordinator, 6, { coordinatorKeys: ['g', 'h'] });
  expect(many.coordinators).toMatchObject([
    { key: 'g', nodeId: 1 },
    { key: 'h', nodeId: 1 },
  ]);
  const transaction = await client.ask(FindCoordinator, 4, { keyType: 1, coordinatorKeys: ['t'] });
  expect(transaction.coordinators).toMatchObject([{ key: 't', nodeId: 1, errorCode: ErrorCode.NONE }]);
  const share = await client.ask(FindCoordinator, 6, { keyType: 2, coordinatorKeys: ['s'] });
  expect(share.coordinators[0]?.errorCode).toBe(ErrorCode.INVALID_REQUEST);
});

test('dashboards see offsets, lag and traffic, and nothing of a topic that is gone', async () => {
  const meter = new SeenMeter();
  const client = await (await given({}, { meter })).client();
  await create(client, 'trucks');
  await produce(client, 'trucks', 5);
  const commit = { partitionIndex: 0, committedOffset: Offset(2), committedMetadata: '' };
  await client.ask(OffsetCommit, 8, { groupId: 'g', memberId: '', topics: [{ name: 'trucks', partitions: [commit] }] });
  await meter.scrape();
  expect(Object.fromEntries(meter.values)).toMatchObject({
    'kafka_brokers{}': 1,
    'kafka_topic_partitions{topic=trucks}': 1,
    'kafka_topic_partition_current_offset{topic=trucks,partition=0}': 5,
    'kafka_topic_partition_oldest_offset{topic=trucks,partition=0}': 0,
    'kafka_consumergroup_current_offset{consumergroup=g,topic=trucks,partition=0}': 2,
    'kafka_consumergroup_lag{consumergroup=g,topic=trucks,partition=0}': 3,
    'kafka_server_brokertopicmetrics_messagesin_total{topic=trucks}': 5,
    'kafka_network_requestmetrics_requests_total{request=Produce,version=8}': 1,
  });
  await client.ask(DeleteTopics, 5, { topicNames: ['trucks'], timeoutMs: 60_000 });
  await meter.scrape();
  expect([...meter.values.keys()].filter((key) => /^kafka_topic_partition.*topic=trucks/.test(key))).toEqual([]);
});

test('a port in use is reported, and the folder is free again', async () => {
  const first = await given();
  const second = prepared();
  const taken = { listen: { host: '127.0.0.1', port: first.broker.address.port } };
  await expect(second.start(taken)).rejects.toThrow('in use');
  await second.start();
  expect(second.broker.address.port).not.toBe(first.broker.address.port);
});

test('a folder that another broker holds is refused in one line', async () => {
  const first = await given();
  const second = new BrokerUnderTest(first.host, first.dataDir);
  await expect(second.start()).rejects.toThrow(first.dataDir);
});

test('a topic whose folder the disk refuses is offline, and the others serve', async () => {
  const disk = nodeDisk();
  const makeFolder = disk.makeFolder.bind(disk);
  disk.makeFolder = (path) => {
    if (path.includes('unlucky')) throw new DiskFailed('makeFolder', path, 'ENOSPC');
    makeFolder(path);
  };
  const it = prepared({}, { disk });
  await it.start();
  const client = await it.client();
  await create(client, 'unlucky');
  await create(client, 'lucky');
  await produce(client, 'lucky', 1);
  const { responses } = await client.ask(Fetch, 12, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic: 'unlucky', partitions: [{ partition: 0, fetchOffset: Offset(0), partitionMaxBytes: 1_000 }] }],
  });
  expect(responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
});

test('a metadata store that is away is waited for', async () => {
  const it = prepared();
  it.metadata.available = false;
  const started = it.start();
  it.metadata.available = true;
  await started;
  expect(it.broker.image().brokers.size).toBe(1);
});

test('without an authorizer, requests about access lists get SECURITY_DISABLED', async () => {
  const client = await (await given()).client();
  const anything = { resourceNameFilter: null, principalFilter: null, hostFilter: null };
  const filter = { resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1, ...anything };
  const acl = { resourceType: 2, resourceName: 'trucks', operation: 3, permissionType: 3 };
  const creation = { ...acl, resourcePatternType: 3, principal: 'User:anna', host: '*' };
  const { SECURITY_DISABLED } = ErrorCode;
  expect((await client.ask(DescribeAcls, 3, filter)).errorCode).toBe(SECURITY_DISABLED);
  const { results } = await client.ask(CreateAcls, 3, { creations: [creation, creation] });
  expect(results.map(({ errorCode }) => errorCode)).toEqual([SECURITY_DISABLED, SECURITY_DISABLED]);
  const { filterResults } = await client.ask(DeleteAcls, 3, { filters: [filter] });
  expect(filterResults.map(({ errorCode }) => errorCode)).toEqual([SECURITY_DISABLED]);
});
