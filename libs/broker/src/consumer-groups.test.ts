// KIP-848 groups over the wire: a real client with its `consumer` protocol, and requests in each version.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrorCode, ZERO_UUID } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import {
  ApiVersions,
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  CreateTopics,
  DescribeGroups,
  IncrementalAlterConfigs,
  ListGroups,
  OffsetCommit,
  OffsetFetch,
} from '@milepost/wire';
import { Consumer, MessagesStreamModes, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka';
import { BrokerUnderTest } from './testing/broker-under-test.ts';

const host = nodeHost();
const folder = mkdtempSync(join(tmpdir(), 'milepost-consumer-groups-'));
const it = new BrokerUnderTest(host, folder, {
  'num.partitions': '3',
  'group.consumer.heartbeat.interval.ms': '100',
  'group.consumer.assignors': 'range,uniform',
});

beforeAll(() => it.start());
afterAll(async () => {
  await it.stop();
  rmSync(folder, { recursive: true });
});

/** Without retries, so the timeouts are long: no test may fail because the machine was slow. */
const patient = { retries: 0, connectTimeout: 60_000, requestTimeout: 60_000, timeout: 60_000 };
const base = () => ({ clientId: 'platformatic', bootstrapBrokers: [it.bootstrap], ...patient });
const numbers = Array.from({ length: 300 }, (_, number) => `${number}`);
const sorted = (values: readonly string[]) => values.toSorted((a, b) => Number(a) - Number(b));

async function produce(topic: string, values: readonly string[]): Promise<void> {
  const producer = new Producer({ ...base(), serializers: stringSerializers, autocreateTopics: true });
  await producer.send({ messages: values.map((value) => ({ topic, key: value, value })) });
  await producer.close();
}

async function consumer(topic: string) {
  const client = new Consumer({
    ...base(),
    groupId: topic,
    groupProtocol: 'consumer',
    deserializers: stringDeserializers,
  });
  const stream = await client.consume({
    topics: [topic],
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: 'earliest',
  });
  const seen: string[] = [];
  stream.on('data', (message) => void seen.push(message.value));
  return { client, seen };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function describedGroup(groupId: string) {
  const client = await it.client();
  const { groups } = await client.ask(ConsumerGroupDescribe, 1, {
    groupIds: [groupId],
    includeAuthorizedOperations: true,
  });
  return groups[0];
}

/**
 * The next owner of a partition begins at the group's committed offset: records after it that were read already are
 * read twice.
 */
async function allCommitted(groupId: string, records: number): Promise<void> {
  const client = await it.client();
  const topics = [{ name: groupId, partitionIndexes: [0, 1, 2] }];
  await until(async () => {
    const { groups } = await client.ask(OffsetFetch, 8, { groups: [{ groupId, topics }] });
    const offsets = groups[0]?.topics[0]?.partitions.map(({ committedOffset }) => Math.max(0, committedOffset)) ?? [];
    return offsets.reduce((sum, offset) => sum + offset, 0) === records;
  });
}

test('two consumers share a topic, and one acquires the partitions that the other releases', async () => {
  await produce('shared', numbers);
  const a = await consumer('shared');
  await until(() => a.seen.length === numbers.length);
  await allCommitted('shared', numbers.length);
  const b = await consumer('shared');
  await until(async () => {
    const group = await describedGroup('shared');
    const counts = group?.members.map(({ assignment }) => assignment.topicPartitions[0]?.partitions.length ?? 0);
    return group?.groupState === 'Stable' && String(counts?.toSorted()) === '1,2';
  });
  await produce(
    'shared',
    numbers.map((value) => `${Number(value) + 1_000}`),
  );
  await until(() => new Set([...a.seen, ...b.seen]).size === 2 * numbers.length);
  expect(b.seen.length).toBeGreaterThan(0);
  // A client still delivers records that it requested before it released a partition: one record may reach both, none
  // one twice.
  for (const { seen } of [a, b]) expect(new Set(seen).size).toBe(seen.length);
  await allCommitted('shared', 2 * numbers.length);

  await a.client.close(true);
  await until(
    async () => (await describedGroup('shared'))?.members[0]?.assignment.topicPartitions[0]?.partitions.length === 3,
  );
  const before = b.seen.length;
  await produce('shared', ['5000', '5001', '5002']);
  await until(() => b.seen.length === before + 3);
  expect(sorted(b.seen.slice(before))).toEqual(['5000', '5001', '5002']);
  await b.client.close(true);
  expect((await describedGroup('shared'))?.groupState).toBe('Empty');
});

test('a restarted broker continues with its members', async () => {
  const client = await it.client();
  const joined = await client.ask(ConsumerGroupHeartbeat, 1, first('again', 'a', ['shared']));
  expect(joined).toMatchObject({ errorCode: ErrorCode.NONE, memberEpoch: 1 });
  await it.stop();
  await it.start();
  const alive = { groupId: 'again', memberId: 'a', memberEpoch: 1, instanceId: null, rackId: null };
  const after = await (await it.client()).ask(ConsumerGroupHeartbeat, 1, {
    ...alive,
    subscribedTopicRegex: null,
    serverAssignor: null,
  });
  expect(after).toMatchObject({ errorCode: ErrorCode.NONE, memberEpoch: 1, assignment: null });
});

test('both APIs are advertised in the versions that Kafka 4.3 has', async () => {
  const client = await it.client();
  const { apiKeys } = await client.ask(ApiVersions, 3, { clientSoftwareName: 'x', clientSoftwareVersion: '1' });
  for (const api of [ConsumerGroupHeartbeat, ConsumerGroupDescribe])
    expect(apiKeys).toContainEqual({ apiKey: api.key, minVersion: 0, maxVersion: 1 });
});

test('a group can have its own heartbeat interval, within the broker’s limits', async () => {
  const client = await it.client();
  const asked = async () =>
    (await client.ask(ConsumerGroupHeartbeat, 1, first('own', 'a', ['own']))).heartbeatIntervalMs;
  expect(await asked()).toBe(100);
  const set = (value: string) => {
    const configs = [{ name: 'consumer.heartbeat.interval.ms', value, configOperation: 0 }];
    const resources = [{ resourceType: 32, resourceName: 'own', configs }];
    return client.ask(IncrementalAlterConfigs, 1, { validateOnly: false, resources });
  };
  expect((await set('7000')).responses[0]?.errorCode).toBe(ErrorCode.NONE);
  expect(await asked()).toBe(7_000);
  expect((await set('20000')).responses[0]?.errorCode).toBe(ErrorCode.INVALID_CONFIG);
  expect(await asked()).toBe(7_000);
});

test('joins, commits, reads, is described and listed, leaves: each with its errors', async () => {
  const client = await it.client();
  await client.ask(CreateTopics, 7, {
    topics: [{ name: 'raw', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 60_000,
    validateOnly: false,
  });
  const topicId = it.broker.image().topics.get('raw')?.id ?? ZERO_UUID;
  const joined = await client.ask(ConsumerGroupHeartbeat, 0, first('raw', '', ['raw']));
  const memberId = joined.memberId ?? '';
  expect(joined).toMatchObject({
    memberId: expect.stringMatching(/./),
    memberEpoch: 1,
    heartbeatIntervalMs: 100,
    assignment: { topicPartitions: [{ topicId, partitions: [0, 1] }] },
  });
  const commit = async (memberEpoch: number) => {
    const partitions = [{ partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: 0, committedMetadata: 'm' }];
    const topics = [{ name: 'raw', topicId, partitions }];
    const who = { groupId: 'raw', generationIdOrMemberEpoch: memberEpoch, memberId, groupInstanceId: null };
    const answer = await client.ask(OffsetCommit, 9, { ...who, topics } as never);
    return answer.topics[0]?.partitions[0]?.errorCode;
  };
  expect(await commit(1)).toBe(ErrorCode.NONE);
  expect(await commit(2)).toBe(ErrorCode.STALE_MEMBER_EPOCH);
  const fetched = async (memberEpoch: number) => {
    const groups = [{ groupId: 'raw', memberId, memberEpoch, topics: null }];
    const answer = await client.ask(OffsetFetch, 9, { groups, requireStable: true } as never);
    return answer.groups[0];
  };
  expect(await fetched(1)).toMatchObject({ topics: [{ name: 'raw', partitions: [{ committedOffset: 5 }] }] });
  expect(await fetched(0)).toMatchObject({ topics: [], errorCode: ErrorCode.STALE_MEMBER_EPOCH });

  expect(await describedGroup('raw')).toMatchObject({
    groupState: 'Stable',
    groupEpoch: 1,
    assignmentEpoch: 1,
    assignorName: 'range',
    members: [
      {
        memberId,
        memberEpoch: 1,
        subscribedTopicNames: ['raw'],
        assignment: { topicPartitions: [{ topicId, topicName: 'raw', partitions: [0, 1] }] },
        memberType: 1,
      },
    ],
  });
  const old = await client.ask(DescribeGroups, 5, { groups: ['raw'], includeAuthorizedOperations: false });
  expect(old.groups).toMatchObject([{ errorCode: ErrorCode.NONE, groupState: 'Dead', members: [] }]);
  const listed = await client.ask(ListGroups, 5, { statesFilter: ['Stable'], typesFilter: ['consumer'] });
  expect(listed.groups).toContainEqual({
    groupId: 'raw',
    protocolType: 'consumer',
    groupState: 'Stable',
    groupType: 'consumer',
  });
  const snapshot = (await it.broker.groupsSnapshot()).find(({ groupId }) => groupId === 'raw');
  expect(snapshot).toMatchObject({ type: 'consumer', state: 'Stable', protocol: 'range', members: [{ memberId }] });
  expect(snapshot?.offsets).toMatchObject([{ topic: 'raw', partition: 0, offset: 5 }]);

  const bad = await client.ask(ConsumerGroupHeartbeat, 1, { ...first('raw', 'b', null), subscribedTopicRegex: '(' });
  expect(bad).toMatchObject({ errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION, assignment: null });
  const left = await client.ask(ConsumerGroupHeartbeat, 0, { ...first('raw', memberId, null), memberEpoch: -1 });
  expect(left).toMatchObject({ errorCode: ErrorCode.NONE, memberEpoch: -1 });
  expect((await describedGroup('raw'))?.groupState).toBe('Empty');
});

const first = (groupId: string, memberId: string, topics: string[] | null) => ({
  groupId,
  memberId,
  memberEpoch: 0,
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: 10_000,
  subscribedTopicNames: topics,
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: [],
});
