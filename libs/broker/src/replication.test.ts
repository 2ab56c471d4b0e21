// Three brokers, one partition: what followers copy, what acks=all waits for, and what remains when brokers go.
import { type BrokerId, ErrorCode, NO_BROKER, Offset, Timestamp, ZERO_UUID } from '@milepost/core';
import { batchesOf, buildBatch } from '@milepost/records';
import { CreateTopics, DeleteRecords, Fetch, ListOffsets, Produce } from '@milepost/wire';
import { ClusterUnderTest } from './testing/cluster-under-test.ts';

const LATEST = Timestamp(-1);

let cluster: ClusterUnderTest;
afterEach(() => cluster.stop());

/** The topic `t`, with one partition on brokers 1, 2 and 3, led by broker 1. */
async function given(
  options: ConstructorParameters<typeof ClusterUnderTest>[0] = {},
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  cluster = new ClusterUnderTest(options);
  await cluster.start();
  const client = await cluster.client(1);
  const topic = {
    name: 't',
    numPartitions: -1,
    replicationFactor: -1,
    assignments: [{ partitionIndex: 0, brokerIds: [1, 2, 3] as BrokerId[] }],
    configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
  };
  const { topics } = await cluster.settle(client.ask(CreateTopics, 7, { topics: [topic], timeoutMs: 60_000 }));
  expect(topics[0]).toMatchObject({ errorCode: ErrorCode.NONE });
  await cluster.clock.run(2_000);
}

const partition = () => {
  const [state] = cluster.partitions('t');
  if (!state) throw new Error('there is no partition');
  return state;
};

async function produce(value: string, { acks = -1, at = partition().leader as number, timeoutMs = 30_000 } = {}) {
  const client = await cluster.client(at);
  const records = buildBatch({ records: [{ key: null, value: Buffer.from(value), timestamp: Timestamp(1) }] });
  const topicData = [{ name: 't', topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }];
  const { responses, nodeEndpoints } = await cluster.settle(client.ask(Produce, 12, { acks, timeoutMs, topicData }));
  const answer = responses[0]?.partitionResponses[0];
  if (!answer) throw new Error('no answer');
  return { ...answer, nodeEndpoints };
}

async function fetch(from: number, { at = partition().leader as number, rackId = '', version = 12 } = {}) {
  const client = await cluster.client(at);
  const partitions = [{ partition: 0, fetchOffset: Offset(from), partitionMaxBytes: 1_000_000 }];
  const request = { maxWaitMs: 0, minBytes: 0, rackId, topics: [{ topic: 't', partitions }] };
  const answer = (await cluster.settle(client.ask(Fetch, version, request))).responses[0]?.partitions[0];
  if (!answer) throw new Error('no answer');
  const records = [...batchesOf(answer.records ?? Buffer.alloc(0))].flatMap((batch) => [...batch.records()]);
  return { ...answer, values: records.map(({ value }) => String(value)) };
}

async function latest(at: number) {
  const client = await cluster.client(at);
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: LATEST }] }];
  return (await cluster.settle(client.ask(ListOffsets, 5, { replicaId: NO_BROKER, topics }))).topics[0]?.partitions[0];
}

const isr = (): string => [...partition().isr].toSorted((a, b) => a - b).join();

test('a record that acks=all has acknowledged is in the log of every replica, byte for byte', async () => {
  await given();
  for (let n = 0; n < 20; n++)
    expect(await produce(`v${n}`)).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: n });
  await cluster.clock.run(1_000);
  const logs = [1, 2, 3].map((id) => cluster.node(id).disk.files().get('/data/t-0/00000000000000000000.log'));
  expect(logs[0]?.length).toBeGreaterThan(0);
  expect(logs[1]).toEqual(logs[0]);
  expect(logs[2]).toEqual(logs[0]);
  const epochs = [1, 2, 3].map((id) => cluster.node(id).disk.files().get('/data/t-0/leader-epoch-checkpoint'));
  expect(epochs[1]).toEqual(epochs[0]);
});

test('acks=all waits for the slowest in-sync replica, acks=1 does not', async () => {
  await given();
  cluster.node(3).freeze();
  expect(await produce('one', { acks: 1 })).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
  expect(await produce('all', { timeoutMs: 1_000 })).toMatchObject({ errorCode: ErrorCode.REQUEST_TIMED_OUT });
  expect(await fetch(0)).toMatchObject({ highWatermark: 0, values: [] });
  cluster.node(3).thaw();
});

test('a follower that is gone leaves the ISR, and comes back when it has caught up', async () => {
  await given({ properties: { 'replica.lag.time.max.ms': '3000' } });
  await produce('before');
  cluster.node(3).kill();
  const waiting = produce('during');
  await cluster.until(() => isr() === '1,2');
  expect(await waiting).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 1 });
  await cluster.settle(cluster.node(3).start());
  await cluster.until(() => isr() === '1,2,3');
  expect((await fetch(0, { at: 3 })).values).toEqual(['before', 'during']);
});

test('after the leader is killed another one has everything that was acknowledged, and the old one follows it', async () => {
  await given();
  for (let n = 0; n < 10; n++) await produce(`v${n}`);
  cluster.node(1).kill();
  await cluster.until(() => partition().leader !== 1 && partition().leader !== NO_BROKER);
  await cluster.clock.run(1_000);
  const acknowledged = Array.from({ length: 10 }, (_, n) => `v${n}`);
  expect((await fetch(0)).values).toEqual(acknowledged);
  await cluster.until(() => isr() === '2,3');
  expect(await produce('next')).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 10 });
  await cluster.settle(cluster.node(1).start());
  await cluster.until(() => isr() === '1,2,3');
  expect((await fetch(0, { at: 1 })).values).toEqual([...acknowledged, 'next']);
});

/** Broker 1, down, has a record that the new leader lacks. */
async function givenFormerLeader(): Promise<void> {
  await given({ properties: { 'replica.lag.time.max.ms': '3000' } });
  await produce('kept');
  const links = ['broker-2', 'broker-3'].map((name) => cluster.network.link('broker-1', name));
  for (const link of links) link.silence();
  await produce('lost', { acks: 1, at: 1 });
  cluster.node(1).kill();
  await cluster.until(() => partition().leader === 2 || partition().leader === 3);
  await cluster.clock.run(1_000); // both know it, and have closed their connections to the old leader
  for (const link of links) link.endSilence();
  await cluster.until(() => isr() === '2,3');
}

test('what a former leader has and the new one lacks is cut from it before it copies anything', async () => {
  await givenFormerLeader();
  expect(await produce('other')).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 1 });
  await cluster.settle(cluster.node(1).start());
  await cluster.until(() => isr() === '1,2,3');
  expect((await fetch(0, { at: 1 })).values).toEqual(['kept', 'other']);
});

test('a former leader keeps nothing of its own below the start of the new leader’s log', async () => {
  await givenFormerLeader();
  for (const value of ['other', 'last']) await produce(value);
  const client = await cluster.client(partition().leader);
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, offset: Offset(2) }] }];
  const deleted = await cluster.settle(client.ask(DeleteRecords, 2, { topics, timeoutMs: 30_000 }));
  expect(deleted.topics[0]?.partitions[0]).toMatchObject({ errorCode: ErrorCode.NONE, lowWatermark: 2 });
  await cluster.settle(cluster.node(1).start());
  await cluster.until(() => isr() === '1,2,3');
  expect((await fetch(2, { at: 1 })).values).toEqual(['last']);
  const logs = [...cluster.node(1).disk.files()].filter(
    ([path]) => path.startsWith('/data/t-0/') && path.endsWith('.log'),
  );
  expect(logs.filter(([, bytes]) => bytes.includes('lost'))).toEqual([]);
});

test('with too few in sync acks=all is refused, acks=1 is not', async () => {
  await given({ properties: { 'replica.lag.time.max.ms': '3000' } }, { 'min.insync.replicas': '2' });
  cluster.node(2).kill();
  cluster.node(3).kill();
  await cluster.until(() => isr() === '1');
  await cluster.clock.run(1_000);
  expect(await produce('all')).toMatchObject({ errorCode: ErrorCode.NOT_ENOUGH_REPLICAS });
  expect(await produce('one', { acks: 1 })).toMatchObject({ errorCode: ErrorCode.NONE });
  expect(await fetch(0)).toMatchObject({ highWatermark: 0 });
});

test('a follower names the leader to producers and to consumers of old versions', async () => {
  await given();
  const leader = { leaderId: 1, leaderEpoch: partition().leaderEpoch };
  const nodeEndpoints = [{ nodeId: 1, host: 'broker-1', port: 9092, rack: null }];
  const error = { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER };
  expect(await produce('x', { at: 2 })).toMatchObject({ ...error, currentLeader: leader, nodeEndpoints });
  expect(await fetch(0, { at: 2, version: 10 })).toMatchObject(error);
  expect(await latest(2)).toMatchObject(error);
});

test('a consumer is sent to the follower in its rack, which serves what is committed', async () => {
  const selector = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';
  await given({ racks: ['a', 'b', 'c'], properties: { 'replica.selector.class': selector } });
  await produce('v');
  await cluster.clock.run(1_000);
  expect(await fetch(0, { rackId: 'c' })).toMatchObject({ preferredReadReplica: 3, values: [], highWatermark: 1 });
  expect(await fetch(0, { rackId: 'c', at: 3 })).toMatchObject({ preferredReadReplica: NO_BROKER, values: ['v'] });
  expect(await fetch(0, { rackId: 'a' })).toMatchObject({ preferredReadReplica: NO_BROKER, values: ['v'] });
  expect(await fetch(0, { rackId: 'elsewhere' })).toMatchObject({ preferredReadReplica: NO_BROKER, values: ['v'] });
});

test('two brokers that are wiped for good take nothing with them that acks=all has acknowledged', async () => {
  await given({ properties: { 'replica.lag.time.max.ms': '3000' } });
  for (let n = 0; n < 10; n++) await produce(`v${n}`);
  for (const id of [1, 2]) {
    cluster.node(id).kill();
    cluster.node(id).replaceDisk();
  }
  await cluster.until(() => partition().leader === 3);
  await cluster.until(() => isr() === '3');
  for (const id of [1, 2]) await cluster.settle(cluster.node(id).start());
  await cluster.until(() => isr() === '1,2,3');
  const acknowledged = Array.from({ length: 10 }, (_, n) => `v${n}`);
  for (const id of [1, 2, 3]) expect((await fetch(0, { at: id })).values).toEqual(acknowledged);
});

test('an empty log does not lead while the other in-sync replica restarts: it waits for that one', async () => {
  await given({ properties: { 'replica.lag.time.max.ms': '3000' } });
  cluster.node(3).kill();
  await cluster.until(() => isr() === '1,2');
  for (let n = 0; n < 10; n++) await produce(`v${n}`);
  cluster.node(1).kill();
  cluster.node(1).replaceDisk();
  cluster.node(2).kill();
  const second = cluster.node(2).start(); // before 1 is declared gone
  await cluster.until(() => cluster.image.brokers.get(2 as BrokerId)?.isFenced === true);
  cluster.node(2).kill();
  second.catch(() => {});
  await cluster.settle(cluster.node(1).start());
  await cluster.clock.run(30_000);
  expect(partition()).toMatchObject({ leader: NO_BROKER, isr: [2] });
  await cluster.settle(cluster.node(2).start());
  await cluster.until(() => isr() === '1,2');
  const acknowledged = Array.from({ length: 10 }, (_, n) => `v${n}`);
  for (const id of [1, 2]) expect((await fetch(0, { at: id })).values).toEqual(acknowledged);
});

test('a torn write costs a broker no place in the ISR: what is there is all there is, once the other member has lost its disk', async () => {
  await given({ properties: { 'replica.lag.time.max.ms': '3000' } });
  cluster.node(3).kill();
  await cluster.until(() => isr() === '1,2');
  for (let n = 0; n < 10; n++) await produce(`v${n}`);
  for (const id of [1, 2]) cluster.node(id).kill();
  cluster.node(1).replaceDisk();
  const file = cluster.node(2).disk.open('/data/t-0/00000000000000000000.log', 'create');
  file.append(Buffer.from('torn'));
  file.close();
  await cluster.settle(cluster.node(2).start());
  await cluster.settle(cluster.node(1).start());
  await cluster.until(() => isr() === '1,2');
  expect(cluster.lines).toContainEqual(expect.stringContaining('a torn tail'));
  const acknowledged = Array.from({ length: 10 }, (_, n) => `v${n}`);
  for (const id of [1, 2]) expect((await fetch(0, { at: id })).values).toEqual(acknowledged);
});

test('records are deleted once no replica that may lead next has them', async () => {
  await given({ properties: { 'replica.lag.time.max.ms': '30000' } });
  for (let n = 0; n < 4; n++) await produce(`v${n}`);
  const client = await cluster.client(1);
  const remove = async (offset: number, timeoutMs: number) => {
    const partitions = [{ partitionIndex: 0, offset: Offset(offset) }];
    const request = { topics: [{ name: 't', partitions }], timeoutMs };
    return (await cluster.settle(client.ask(DeleteRecords, 2, request))).topics[0]?.partitions[0];
  };
  cluster.node(3).freeze();
  expect(await remove(2, 1_000)).toMatchObject({ errorCode: ErrorCode.REQUEST_TIMED_OUT, lowWatermark: 0 });
  cluster.node(3).thaw();
  expect(await remove(2, 30_000)).toMatchObject({ errorCode: ErrorCode.NONE, lowWatermark: 2 });
  cluster.node(1).kill();
  await cluster.until(() => partition().leader !== 1 && partition().leader !== NO_BROKER);
  expect(await fetch(0)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
});
