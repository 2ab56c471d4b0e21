// A broker whose database went back: restored while the broker was stopped, or failed over while it ran.
import { MemoryGroupStore } from '@milepost/coordinators';
import { BrokerId, ErrorCode, LeaderEpoch, Offset, Timestamp, ZERO_UUID } from '@milepost/core';
import {
  historyOf,
  MemoryMetadataDatabase,
  MemoryMetadataStore,
  type PartitionState,
  type TopicState,
} from '@milepost/metadata';
import { buildBatch } from '@milepost/records';
import { CreateTopics, FindCoordinator, InitProducerId, OffsetCommit, OffsetFetch, Produce } from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';
import { READ_COMMITTED, readValues } from './testing/read-values.ts';
import { TransactionalClient } from './testing/transactional-client.ts';
import { SimHost } from '@milepost/simulator';

const DATA = '/data';
const WARNING = 'the database is not as this broker left it';

let host: SimHost;
let it: BrokerUnderTest;
const settle = <T>(work: Promise<T>): Promise<T> => host.clock.settle(work, 60_000);
const warnings = () => host.lines.filter((line) => line.startsWith(WARNING));

beforeEach(async () => {
  host = new SimHost();
  it = new BrokerUnderTest(host, DATA);
  await settle(it.start());
});
afterEach(() => settle(it.stop()));

async function restart(whileStopped: () => void = () => {}): Promise<void> {
  await settle(it.stop());
  whileStopped();
  await settle(it.start());
}

const client = (): Promise<RawClient> => settle(it.client());

async function create(name: string): Promise<ErrorCode | undefined> {
  const topics = [{ name, numPartitions: 1, replicationFactor: 1 }];
  const response = await settle((await client()).ask(CreateTopics, 5, { topics, timeoutMs: 10_000 }));
  return response.topics[0]?.errorCode;
}

async function producerId(): Promise<bigint> {
  const asked = { transactionalId: null, transactionTimeoutMs: 1, producerId: -1n, producerEpoch: -1 };
  const response = await settle((await client()).ask(InitProducerId, 4, asked));
  expect(response.errorCode).toBe(ErrorCode.NONE);
  return response.producerId;
}

/** The first batch of a producer. */
async function produce(topic: string, id = -1n, value = 'v') {
  const records = buildBatch({
    records: [{ key: null, value: Buffer.from(value), timestamp: Timestamp(5) }],
    ...(id >= 0n && { producerId: id, producerEpoch: 0, baseSequence: 0 }),
  });
  const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }];
  const response = await settle((await client()).ask(Produce, 8, { acks: -1, timeoutMs: 60_000, topicData }));
  return response.responses[0]?.partitionResponses[0];
}

/** Committed by a consumer that assigns its partitions itself, and echoed. */
async function commit(offset: number): Promise<void> {
  const partitions = [{ partitionIndex: 0, committedOffset: Offset(offset), committedMetadata: null }];
  const topics = [{ name: 't', partitions }];
  const asked = { groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '', topics };
  const response = await settle((await client()).ask(OffsetCommit, 7, asked));
  expect(response.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NONE);
  await host.clock.run(100);
}

async function committed(): Promise<number | undefined> {
  const asked = { groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] };
  return (await settle((await client()).ask(OffsetFetch, 5, asked))).topics[0]?.partitions[0]?.committedOffset;
}

/** A backup of metadata and groups; returns the function that restores the groups. */
function backup() {
  const { groups } = it;
  const copy = new Map(
    [...groups.groups].map(([id, rows]) => [
      id,
      { ...rows, offsets: new Map(rows.offsets), pending: new Map(rows.pending) },
    ]),
  );
  const restoreGroups = (): void => {
    groups.groups.clear();
    for (const [id, rows] of copy) groups.groups.set(id, rows);
  };
  return { metadata: it.metadata.backup(), restoreGroups };
}

const epochOf = (topic: string) => it.broker.image().topics.get(topic)?.partitions[0]?.leaderEpoch ?? -1;
const registered = () => it.metadata.image.brokers.get(BrokerId(1));
const folders = () => (host.disk.list(DATA) ?? []).map(({ name }) => name);

test('a stop and a start are no loss, and nothing is logged', async () => {
  await create('t');
  await producerId();
  await restart();
  await restart();
  expect(host.lines).toEqual([]);
});

test('a restored database never reissues a producer id: the log would take first batches for duplicates', async () => {
  await create('t');
  const backup = it.metadata.backup();
  const first = await producerId();
  expect(await produce('t', first, 'old')).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
  await restart(() => it.metadata.restore(backup));
  const second = await producerId();
  expect(second).toBeGreaterThan(first);
  expect(await produce('t', second, 'new')).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 1 });
  expect(warnings()).toHaveLength(1);
  await restart();
  expect(warnings()).toHaveLength(1);
});

test('without its memory a broker reads from its logs which producer ids are in use', async () => {
  await create('t');
  const backup = it.metadata.backup();
  const first = await producerId();
  await produce('t', first);
  await settle(it.stop());
  await settle(host.disk.remove(`${DATA}/metadata-seen`));
  it.metadata.restore(backup);
  await settle(it.start());
  expect(await producerId()).toBeGreaterThan(first);
  expect(warnings()).toEqual([]);
});

test('a producer id that a client made up does not use up the ids of others', async () => {
  await create('t');
  await produce('t', 2n ** 63n - 1n);
  await settle(it.stop());
  await settle(it.start());
  expect(await producerId()).toBeLessThan(2n ** 62n);
});

test('a damaged memory is ignored: one line, and the broker starts', async () => {
  await settle(it.stop());
  const path = `${DATA}/metadata-seen`;
  const file = host.disk.open(path, 'existing');
  const text = Buffer.alloc(file?.size() ?? 0);
  file?.read(0, text);
  file?.close();
  const damaged = Buffer.from(text.toString().replace(/"version":\d/, '"version":9'));
  await settle(host.disk.remove(path));
  const made = host.disk.open(path, 'create');
  made.append(damaged);
  made.close();
  await settle(it.start());
  expect(host.lines).toEqual([`${path} is damaged: an older database would not be recognized`]);
});

test('a database that fails over to an older copy under a broker: topics that it has lost are set aside, the rest continues', async () => {
  await create('kept');
  await produce('kept');
  const backup = it.metadata.backup();
  await create('lost');
  await produce('lost');
  const [version, epoch] = [it.broker.image().version, epochOf('kept')];
  it.metadata.failOver(backup);
  expect(await create('new')).toBe(ErrorCode.NONE);
  expect(it.broker.image().topics.has('new')).toBe(true);
  expect(it.broker.image().version).toBeGreaterThan(version);
  expect(await produce('kept')).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 1 });
  expect(epochOf('kept')).toBe(epoch);
  expect(folders()).toEqual(expect.arrayContaining(['lost-0.stray', 'new-0', 'kept-0']));
  expect(warnings()).toHaveLength(1);
});

test('a broker that the database does not know any more registers again, and changes metadata as before', async () => {
  const empty = new MemoryMetadataDatabase().backup();
  await create('lost');
  const epoch = registered()?.epoch ?? -1;
  it.metadata.failOver(empty);
  expect(await create('new')).toBe(ErrorCode.NONE); // before the broker has noticed anything
  expect(registered()?.epoch).toBeGreaterThan(epoch);
  expect(await produce('new')).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
  await host.clock.run(5_000);
  expect(it.broker.fencedBy()).toBeUndefined();
  expect(host.lines.filter((line) => line.includes('background task'))).toEqual([]);
  host.lines.splice(0);
  await restart();
  expect(host.lines).toEqual([]);
});

test('a broker of which the database knows an earlier life registers again by itself', async () => {
  const earlier = it.metadata.backup();
  await restart();
  const present = registered();
  it.metadata.failOver(earlier);
  await host.clock.run(1_000);
  const { version, origin } = it.metadata.image;
  expect(registered()).toEqual({ ...present, epoch: version, history: historyOf(origin) });
  expect(await create('new')).toBe(ErrorCode.NONE);
});

test('a leader epoch that the database loses under a broker is restored', async () => {
  await create('t');
  const backup = it.metadata.backup();
  await raiseEpoch('t', 5);
  await produce('t');
  expect(epochOf('t')).toBe(5);
  it.metadata.failOver(backup);
  await host.clock.run(1_000);
  expect(epochOf('t')).toBe(5);
  expect(it.metadata.image.topics.get('t')?.partitions[0]).toMatchObject({ leaderEpoch: 5 });
  expect(await produce('t')).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 1 });
});

/** As another start of the broker with a damaged log raises it. */
async function raiseEpoch(topic: string, leaderEpoch: number): Promise<void> {
  const { id, partitions } = it.metadata.image.topics.get(topic) as TopicState;
  const { partitionEpoch, ...state } = partitions[0] as PartitionState;
  const partition = { ...state, leaderEpoch: LeaderEpoch(leaderEpoch), partitionEpoch: partitionEpoch + 1 };
  await new MemoryMetadataStore(it.metadata).commit(() => [{ type: 'partition-changed', id, partition }]);
  await host.clock.run(1_000);
}

test('a leader epoch in which nothing was appended is exceeded: clients that heard of it believe no older one', async () => {
  await create('t');
  const backup = it.metadata.backup();
  await raiseEpoch('t', 5);
  await restart(() => it.metadata.restore(backup));
  expect(epochOf('t')).toBe(6);
});

test('a start that ends before it has recovered what the database lost is repeated by the next one', async () => {
  await withGroup();
  const { metadata, restoreGroups } = backup();
  await raiseEpoch('t', 5);
  await commit(9);
  await settle(it.stop());
  restoreGroups();
  it.metadata.restore(metadata);
  const groups = new MemoryGroupStore(it.groups);
  groups.health = 'away';
  const ended = new AbortController();
  const starting = it.start({}, { stores: { groups }, aborted: ended.signal });
  await host.clock.run(30_000);
  ended.abort(new Error('stopped'));
  await expect(settle(starting)).rejects.toThrow('stopped');
  await settle(it.start());
  expect(await committed()).toBe(9);
});

async function withGroup(): Promise<void> {
  await create('t');
  for (let at = 0; at < 9; at++) await produce('t');
  await settle((await client()).ask(FindCoordinator, 2, { key: 'g', keyType: 0 }));
  await host.clock.run(1_000);
  await commit(5);
}

test('committed offsets that a restored database has lost are restored from __consumer_offsets', async () => {
  await withGroup();
  const { metadata, restoreGroups } = backup();
  await commit(9);
  await restart(() => {
    restoreGroups();
    it.metadata.failOver(metadata);
  });
  expect(await committed()).toBe(9);
});

test('offsets that an operator rewound stand, if the database did not go back', async () => {
  await withGroup();
  const { restoreGroups } = backup();
  await commit(9);
  await restart(restoreGroups);
  expect(await committed()).toBe(5);
  expect(host.lines).toEqual([]);
});

test('committed offsets that a database loses under a broker are stored again', async () => {
  await withGroup();
  const { metadata, restoreGroups } = backup();
  await commit(9);
  restoreGroups();
  it.metadata.failOver(metadata);
  await host.clock.run(2_000);
  expect(await committed()).toBe(9);
  expect([...(it.groups.groups.get('g')?.offsets.values() ?? [])]).toMatchObject([{ offset: 9 }]);
});

test.each<[string, (fail: () => void) => Promise<void>]>([
  ['while the broker was stopped', (fail) => restart(fail)],
  [
    'under the broker',
    async (fail) => {
      fail();
      await host.clock.run(2_000);
    },
  ],
])('a transaction whose commit the database loses %s stays committed, and its producer goes on', async (_, lose) => {
  await create('t');
  await settle((await client()).ask(FindCoordinator, 2, { key: 'x', keyType: 1 }));
  await host.clock.run(1_000);
  const one = new TransactionalClient(await client(), 'new');
  one.now = () => host.clock.now();
  expect(await settle(one.init())).toBe(ErrorCode.NONE);
  expect(await settle(one.send('t', 'a'))).toBe(ErrorCode.NONE);
  const metadata = it.metadata.backup();
  const open = new Map(it.transactions.transactions);
  expect(await settle(one.end(true))).toBe(ErrorCode.NONE);
  await host.clock.run(1_000);
  await lose(() => {
    it.transactions.transactions.clear();
    for (const [id, row] of open) it.transactions.transactions.set(id, row);
    it.metadata.failOver(metadata);
  });
  one.client = await client();
  expect(await settle(one.send('t', 'b'))).toBe(ErrorCode.NONE);
  expect(await settle(one.end(true))).toBe(ErrorCode.NONE);
  await host.clock.run(1_000);
  expect(it.transactions.transactions.get('x')?.transaction).toMatchObject({
    state: 'CompleteCommit',
    producerEpoch: 2,
  });
  expect(await settle(readValues(one.client, 't', 0, READ_COMMITTED))).toEqual(['a', 'b']);
});

test('offsets that a transaction had pending when the database went back to that moment become stable again', async () => {
  await withGroup();
  await settle((await client()).ask(FindCoordinator, 2, { key: 'x', keyType: 1 }));
  await host.clock.run(1_000);
  const one = new TransactionalClient(await client(), 'new');
  one.now = () => host.clock.now();
  expect(await settle(one.init())).toBe(ErrorCode.NONE);
  expect(await settle(one.send('t', 'a'))).toBe(ErrorCode.NONE);
  expect(await settle(one.commitOffset('g', 't', 9))).toBe(ErrorCode.NONE);
  const { metadata, restoreGroups } = backup();
  const open = new Map(it.transactions.transactions);
  expect(await settle(one.end(true))).toBe(ErrorCode.NONE);
  await host.clock.run(1_000);
  await restart(() => {
    restoreGroups();
    it.transactions.transactions.clear();
    for (const [id, row] of open) it.transactions.transactions.set(id, row);
    it.metadata.failOver(metadata);
  });
  await host.clock.run(1_000);
  const groups = [{ groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] }];
  const response = await settle((await client()).ask(OffsetFetch, 8, { groups, requireStable: true }));
  expect(response.groups[0]?.topics[0]?.partitions).toMatchObject([{ committedOffset: 9, errorCode: ErrorCode.NONE }]);
});
