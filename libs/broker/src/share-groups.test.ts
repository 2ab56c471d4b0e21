// Share groups over the wire (KIP-932): members, fetches, acknowledgements, sessions, restarts, and bad requests.
import { ErrorCode, type Host, Offset, Timestamp, type Uuid } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { batchesOf, buildBatch } from '@milepost/records';
import { SimDisk } from '@milepost/simulator';
import {
  AcknowledgeType,
  AlterShareGroupOffsets,
  ApiVersions,
  CreateTopics,
  DeleteShareGroupOffsets,
  DescribeShareGroupOffsets,
  IncrementalAlterConfigs,
  ListGroups,
  Produce,
  type RequestInput,
  ShareAcknowledge,
  ShareFetch,
  ShareGroupDescribe,
  ShareGroupHeartbeat,
} from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';
import { TransactionalClient } from './testing/transactional-client.ts';

const { NONE, INVALID_REQUEST, INVALID_RECORD_STATE, INVALID_SHARE_SESSION_EPOCH, SHARE_SESSION_NOT_FOUND } = ErrorCode;
const { ACCEPT, RELEASE, RENEW } = AcknowledgeType;
const GROUP_RESOURCE = 32;

let host: Host;
let it: BrokerUnderTest;
let topicId: Uuid;

beforeEach(async () => {
  host = nodeHost({ disk: new SimDisk() });
  it = new BrokerUnderTest(host, '/data', {
    'group.share.max.share.sessions': '3',
    'group.share.assignment.interval.ms': '0',
    'group.share.min.record.lock.duration.ms': '1000',
    'transaction.state.log.num.partitions': '3',
  });
  await it.start();
  const client = await it.client();
  const { topics } = await client.ask(CreateTopics, 7, {
    topics: [{ name: 'commands', numPartitions: 1, replicationFactor: 1 }],
  });
  topicId = topics[0]?.topicId as Uuid;
  await configure('share.auto.offset.reset', 'earliest');
});
afterEach(() => it.stop());

async function configure(name: string, value: string, groupId = 'g'): Promise<void> {
  const client = await it.client();
  const configs = [{ name, configOperation: 0, value }];
  const { responses } = await client.ask(IncrementalAlterConfigs, 1, {
    resources: [{ resourceType: GROUP_RESOURCE, resourceName: groupId, configs }],
    validateOnly: false,
  });
  expect(responses[0]?.errorCode).toBe(NONE);
}

async function produce(...values: string[]): Promise<void> {
  const client = await it.client();
  for (const value of values) {
    const records = buildBatch({
      records: [{ key: null, value: Buffer.from(value), timestamp: Timestamp(host.clock.now()) }],
    });
    const partitionData = [{ index: 0, records }];
    const { responses } = await client.ask(Produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 60_000,
      topicData: [{ name: 'commands', partitionData }],
    } as RequestInput<typeof Produce>);
    expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(NONE);
  }
}

type Ack = readonly [first: number, last: number, ...types: number[]];

/** A member with a connection and a share session of its own. */
class Member {
  readonly id: string;
  readonly client: RawClient;
  readonly groupId: string;
  epoch = 0;
  memberEpoch = 0;

  private constructor(id: string, client: RawClient, groupId: string) {
    this.id = id;
    this.client = client;
    this.groupId = groupId;
  }

  static async join(id: string, groupId = 'g'): Promise<Member> {
    const member = new Member(id, await it.client(), groupId);
    const joined = await member.heartbeat(0, ['commands']);
    expect(joined).toMatchObject({ errorCode: NONE, memberId: id });
    expect(joined.assignment?.topicPartitions).toEqual([{ topicId, partitions: [0] }]);
    member.memberEpoch = joined.memberEpoch;
    return member;
  }

  heartbeat(memberEpoch = this.memberEpoch, subscribedTopicNames: string[] | null = null) {
    return this.client.ask(ShareGroupHeartbeat, 1, {
      groupId: this.groupId,
      memberId: this.id,
      memberEpoch,
      subscribedTopicNames,
    });
  }

  async fetch(more: Partial<RequestInput<typeof ShareFetch>> & { acks?: readonly Ack[] } = {}) {
    const { acks = [], ...rest } = more;
    const epoch = this.epoch++;
    return this.client.ask(ShareFetch, 2, {
      groupId: this.groupId,
      memberId: this.id,
      shareSessionEpoch: epoch,
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1_000_000,
      maxRecords: 500,
      batchSize: 500,
      topics: epoch === 0 || acks.length > 0 ? topicsWith(acks) : [],
      forgottenTopicsData: [],
      ...rest,
    });
  }

  async acknowledge(acks: readonly Ack[], more: Partial<RequestInput<typeof ShareAcknowledge>> = {}) {
    return this.client.ask(ShareAcknowledge, 2, {
      groupId: this.groupId,
      memberId: this.id,
      shareSessionEpoch: this.epoch++,
      topics: topicsWith(acks),
      ...more,
    });
  }

  /** The values that were acquired, with their delivery counts. */
  async take(more: Parameters<Member['fetch']>[0] = {}): Promise<string[]> {
    const { errorCode, responses } = await this.fetch(more);
    expect(errorCode).toBe(NONE);
    return responses.flatMap(({ partitions }) => partitions.flatMap(acquiredValues));
  }
}

const topicsWith = (acks: readonly Ack[]) => [
  {
    topicId,
    partitions: [
      {
        partitionIndex: 0,
        acknowledgementBatches: acks.map(([first, last, ...acknowledgeTypes]) => ({
          firstOffset: Offset(first),
          lastOffset: Offset(last),
          acknowledgeTypes,
        })),
      },
    ],
  },
];

type Fetched = Awaited<ReturnType<Member['fetch']>>['responses'][number]['partitions'][number];

function acquiredValues({ errorCode, records, acquiredRecords }: Fetched): string[] {
  expect(errorCode).toBe(NONE);
  return [...batchesOf(records ?? Buffer.alloc(0))].flatMap((batch) =>
    batch.isControl
      ? []
      : [...batch.records()].flatMap(({ offset, value }) => {
          const range = acquiredRecords.find(
            ({ firstOffset, lastOffset }) => firstOffset <= offset && offset <= lastOffset,
          );
          return range ? [`${value?.toString()} ${range.deliveryCount}`] : [];
        }),
  );
}

test('two members share one partition, and no record goes to both', async () => {
  await produce('a', 'b', 'c', 'd');
  const [one, two] = [await Member.join('one'), await Member.join('two')];
  expect(await one.take({ maxRecords: 2 })).toEqual(['a 1', 'b 1']);
  expect(await two.take()).toEqual(['c 1', 'd 1']);
  expect(await one.take()).toEqual([]);
});

test('an accepted record is not delivered again after a restart; one that was not is', async () => {
  await produce('a', 'b', 'c');
  const one = await Member.join('one');
  await one.take();
  const { errorCode, responses } = await one.acknowledge([[0, 1, ACCEPT]]);
  expect([errorCode, responses[0]?.partitions[0]?.errorCode]).toEqual([NONE, NONE]);
  await it.stop();
  await it.start();
  const two = await Member.join('two');
  expect(await two.take()).toEqual(['c 1']);
});

test('a fetch waits for records, and acknowledges others meanwhile', async () => {
  await produce('a');
  const one = await Member.join('one');
  await one.take();
  const waiting = one.fetch({ maxWaitMs: 60_000, acks: [[0, 0, ACCEPT]] });
  await produce('b');
  const [topic] = (await waiting).responses;
  const [partition] = topic?.partitions ?? [];
  expect(partition?.acknowledgeErrorCode).toBe(NONE);
  expect(partition && acquiredValues(partition)).toEqual(['b 1']);
});

test('what a member releases goes to one that waits', async () => {
  await produce('a');
  const [one, two] = [await Member.join('one'), await Member.join('two')];
  await one.take();
  expect(await two.take()).toEqual([]);
  const waiting = two.take({ maxWaitMs: 60_000 });
  await one.acknowledge([[0, 0, RELEASE]]);
  expect(await waiting).toEqual(['a 2']);
});

test('the records of a member whose connection closes go to the next one at once', async () => {
  await produce('a');
  const [one, two] = [await Member.join('one'), await Member.join('two')];
  await one.take();
  await two.take();
  const waiting = two.take({ maxWaitMs: 60_000 });
  one.client.close();
  expect(await waiting).toEqual(['a 2']);
});

test('a lock that is renewed holds, and nothing is fetched with a renewal', async () => {
  await produce('a', 'b');
  const one = await Member.join('one');
  await one.take();
  const renewal = { isRenewAck: true, maxWaitMs: 0, minBytes: 0, maxBytes: 0, maxRecords: 0 };
  const renewed = await one.fetch({ ...renewal, acks: [[0, 1, RENEW]] });
  expect(renewed).toMatchObject({ errorCode: NONE, acquisitionLockTimeoutMs: 30_000 });
  expect(renewed.responses[0]?.partitions[0]).toMatchObject({ acknowledgeErrorCode: NONE, acquiredRecords: [] });
  expect((await one.fetch({ ...renewal, maxRecords: 1 })).errorCode).toBe(INVALID_REQUEST);
});

test('a lock expires, and the record is delivered again', async () => {
  await configure('share.record.lock.duration.ms', '1000');
  await produce('a');
  const [one, two] = [await Member.join('one'), await Member.join('two')];
  await one.take();
  await two.take();
  expect(await two.take({ maxWaitMs: 60_000 })).toEqual(['a 2']);
  const late = await one.acknowledge([[0, 0, ACCEPT]]);
  expect(late.responses[0]?.partitions[0]?.errorCode).toBe(INVALID_RECORD_STATE);
});

test('a group that reads committed records sees none of an aborted transaction', async () => {
  await configure('share.isolation.level', 'read_committed');
  const producer = new TransactionalClient(await it.client(), 'new', 'x');
  await producer.init();
  await producer.send('commands', 'aborted');
  await producer.end(false);
  await producer.send('commands', 'kept');
  const one = await Member.join('one');
  expect(await one.take()).toEqual([]);
  const waiting = one.take({ maxWaitMs: 60_000 });
  await producer.end(true);
  expect(await waiting).toEqual(['kept 1']);
});

test('a group begins at the end unless it is told otherwise, and that end is chosen once', async () => {
  await produce('before');
  const one = await Member.join('one', 'late');
  expect(await one.take()).toEqual([]);
  await produce('after');
  await it.stop();
  await it.start();
  const two = await Member.join('two', 'late');
  expect(await two.take()).toEqual(['after 1']);
});

test('sessions: wrong epochs, unknown sessions, a last request, and their limit', async () => {
  await produce('a');
  const one = await Member.join('one');
  const acks: Ack[] = [[0, 0, ACCEPT]];
  expect((await one.fetch({ acks })).errorCode).toBe(INVALID_REQUEST); // the first fetch cannot acknowledge
  one.epoch = 5;
  expect((await one.fetch()).errorCode).toBe(SHARE_SESSION_NOT_FOUND);
  one.epoch = 0;
  expect((await one.acknowledge(acks)).errorCode).toBe(INVALID_SHARE_SESSION_EPOCH);
  one.epoch = 0;
  expect(await one.take()).toEqual(['a 1']);
  one.epoch = 7;
  expect((await one.fetch()).errorCode).toBe(INVALID_SHARE_SESSION_EPOCH);
  expect((await one.acknowledge(acks, { shareSessionEpoch: 9 })).errorCode).toBe(INVALID_SHARE_SESSION_EPOCH);
  const last = await one.fetch({ shareSessionEpoch: -1, topics: topicsWith(acks) });
  expect(last.responses[0]?.partitions[0]).toMatchObject({ errorCode: NONE, acknowledgeErrorCode: NONE });
  expect((await one.fetch({ shareSessionEpoch: -1 })).errorCode).toBe(SHARE_SESSION_NOT_FOUND);
  for (const id of ['two', 'three', 'four']) await (await Member.join(id)).take();
  const five = await Member.join('five');
  expect((await five.fetch()).errorCode).toBe(ErrorCode.SHARE_SESSION_LIMIT_REACHED);
});

test('a forgotten partition is not fetched any more', async () => {
  const one = await Member.join('one');
  await one.take();
  await one.fetch({ forgottenTopicsData: [{ topicId, partitions: [0] }] });
  await produce('a');
  expect(await one.take()).toEqual([]);
});

test('bad requests get the errors of Kafka', async () => {
  await produce('a');
  const one = await Member.join('one');
  const two = await Member.join('two');
  await one.take();
  await two.take();
  const errorOf = async (acks: readonly Ack[], by = two) =>
    (await by.acknowledge(acks)).responses[0]?.partitions[0]?.errorCode;
  expect(await errorOf([[0, 0, ACCEPT]])).toBe(INVALID_RECORD_STATE); // another member has it
  expect(await errorOf([[0, 5, ACCEPT]], one)).toBe(INVALID_REQUEST); // never acquired
  expect(await errorOf([[1, 0, ACCEPT]], one)).toBe(INVALID_REQUEST);
  expect(await errorOf([[0, 0]], one)).toBe(INVALID_REQUEST);
  expect(await errorOf([[0, 0, 9]], one)).toBe(INVALID_REQUEST);
  expect(await errorOf([[0, 0, RENEW]], one)).toBe(INVALID_REQUEST); // not announced
  expect(await errorOf([[0, 0, ACCEPT]], one)).toBe(NONE);
  expect((await one.fetch({ groupId: null })).errorCode).toBe(INVALID_REQUEST);
  expect((await one.fetch({ memberId: 'x'.repeat(37) })).errorCode).toBe(INVALID_REQUEST);
  const stranger = await Member.join('three', 'other');
  stranger.epoch = 0;
  const unknown = await stranger.fetch({ groupId: 'never subscribed' });
  expect(unknown.responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
});

test('groups are listed and described, and their offsets described, set and deleted', async () => {
  await produce('a', 'b', 'c');
  const one = await Member.join('one');
  await one.take();
  await one.acknowledge([
    [0, 0, ACCEPT],
    [2, 2, ACCEPT],
  ]);
  const { client } = one;
  const { groups } = await client.ask(ListGroups, 5, { statesFilter: [], typesFilter: ['share'] });
  expect(groups).toMatchObject([{ groupId: 'g', protocolType: 'share', groupState: 'Stable', groupType: 'share' }]);
  const described = await client.ask(ShareGroupDescribe, 1, {
    groupIds: ['g', 'h'],
    includeAuthorizedOperations: false,
  });
  expect(described.groups).toMatchObject([
    { groupId: 'g', errorCode: NONE, groupState: 'Stable', assignorName: 'simple', members: [{ memberId: 'one' }] },
    { groupId: 'h', errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
  ]);
  const offsets = () => client.ask(DescribeShareGroupOffsets, 1, { groups: [{ groupId: 'g', topics: null }] });
  expect((await offsets()).groups[0]?.topics[0]).toMatchObject({
    topicName: 'commands',
    partitions: [{ partitionIndex: 0, startOffset: 1, lag: 1, errorCode: NONE }],
  });
  const alter = (startOffset: number) =>
    client.ask(AlterShareGroupOffsets, 0, {
      groupId: 'g',
      topics: [{ topicName: 'commands', partitions: [{ partitionIndex: 0, startOffset: Offset(startOffset) }] }],
    });
  const remove = () =>
    client.ask(DeleteShareGroupOffsets, 0, { groupId: 'g', topics: [{ topicName: 'commands' }, { topicName: 'no' }] });
  expect((await alter(0)).errorCode).toBe(ErrorCode.NON_EMPTY_GROUP);
  expect((await remove()).errorCode).toBe(ErrorCode.NON_EMPTY_GROUP);
  await one.fetch({ shareSessionEpoch: -1, topics: [] });
  await one.heartbeat(-1);
  expect((await alter(0)).responses[0]?.partitions[0]?.errorCode).toBe(NONE);
  const two = await Member.join('two');
  expect(await two.take()).toEqual(['a 1', 'b 1', 'c 1']);
  await two.fetch({ shareSessionEpoch: -1, topics: [] });
  await two.heartbeat(-1);
  expect((await remove()).responses).toMatchObject([
    { topicName: 'commands', errorCode: NONE },
    { topicName: 'no', errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
  ]);
  expect((await offsets()).groups[0]?.topics).toEqual([]);
});

test('the feature is finalized and the APIs are advertised', async () => {
  const { apiKeys, finalizedFeatures } = await (await it.client()).ask(ApiVersions, 4, {
    clientSoftwareName: 'test',
    clientSoftwareVersion: '1',
  });
  expect(finalizedFeatures).toContainEqual({ name: 'share.version', maxVersionLevel: 1, minVersionLevel: 1 });
  for (const key of [76, 77, 78, 79, 90, 91, 92]) expect(apiKeys.map(({ apiKey }) => apiKey)).toContain(key);
});
