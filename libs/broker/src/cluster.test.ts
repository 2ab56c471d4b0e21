// Three brokers on one database are one cluster: who is in it, who controls it, who leads what.
import { BrokerId, ErrorCode, NO_BROKER, ZERO_UUID } from '@milepost/core';
import {
  CreateTopics,
  DescribeCluster,
  DescribeQuorum,
  FindCoordinator,
  Metadata,
  OffsetCommit,
  OffsetFetch,
} from '@milepost/wire';
import { ClusterUnderTest } from './testing/cluster-under-test.ts';

let cluster: ClusterUnderTest;
afterEach(() => cluster.stop());

async function started(options: ConstructorParameters<typeof ClusterUnderTest>[0] = {}): Promise<ClusterUnderTest> {
  cluster = new ClusterUnderTest(options);
  await cluster.start();
  return cluster;
}

async function metadataFrom(id: number, topics: readonly string[] = []) {
  const client = await cluster.client(id);
  const asked = topics.map((name) => ({ name, topicId: ZERO_UUID }));
  return cluster.settle(client.ask(Metadata, 12, { topics: asked, allowAutoTopicCreation: false }));
}

async function create(name: string, numPartitions: number, replicationFactor: number, at = 1) {
  const client = await cluster.client(at);
  const topics = [{ name, numPartitions, replicationFactor }];
  const response = await cluster.settle(client.ask(CreateTopics, 7, { topics, timeoutMs: 60_000 }));
  return response.topics[0];
}

/** The brokers' images follow the database by a few milliseconds. */
const settled = (): Promise<void> => cluster.clock.run(1_000);

test('metadata of any broker names all of them, with their racks and addresses, and the one controller', async () => {
  await started({ racks: ['a', 'b', 'c'] });
  await settled();
  for (const id of [1, 2, 3]) {
    const { brokers, controllerId } = await metadataFrom(id);
    expect(brokers.map(({ nodeId, host, rack }) => `${nodeId} ${host} ${rack}`)).toEqual([
      '1 broker-1 a',
      '2 broker-2 b',
      '3 broker-3 c',
    ]);
    expect(controllerId).toBe(1);
  }
});

test('every broker describes the same cluster and the same quorum', async () => {
  await started();
  await settled();
  for (const id of [1, 2, 3]) {
    const client = await cluster.client(id);
    const described = await cluster.settle(
      client.ask(DescribeCluster, 1, { includeClusterAuthorizedOperations: false }),
    );
    expect(described).toMatchObject({ controllerId: 1, brokers: [{ brokerId: 1 }, { brokerId: 2 }, { brokerId: 3 }] });
    const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];
    const quorum = await cluster.settle(client.ask(DescribeQuorum, 2, { topics }));
    expect(quorum.topics[0]?.partitions[0]).toMatchObject({
      leaderId: 1,
      leaderEpoch: 1,
      currentVoters: [{ replicaId: 1 }],
      observers: [{ replicaId: 2 }, { replicaId: 3 }],
    });
  }
});

test('the partitions of a topic are spread over all brokers and racks, whichever broker creates it', async () => {
  await started({ racks: ['a', 'a', 'b'] });
  expect(await create('t', 12, 2, 3)).toMatchObject({ errorCode: ErrorCode.NONE, replicationFactor: 2 });
  const partitions = cluster.partitions('t');
  for (const { replicas } of partitions) expect(replicas).toContain(3); // the one of its rack
  const led = new Map<number, number>();
  for (const { leader } of partitions) led.set(leader, (led.get(leader) ?? 0) + 1);
  expect([...led.keys()].toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
});

test('more replicas than there are brokers alive are refused, in Kafka’s words', async () => {
  await started();
  expect(await create('t', 1, 4)).toMatchObject({
    errorCode: ErrorCode.INVALID_REPLICATION_FACTOR,
    errorMessage:
      'Unable to replicate the partition 4 time(s): The target replication factor of 4 cannot be reached because ' +
      'only 3 broker(s) are registered.',
  });
  await cluster.settle(cluster.node(3).stop());
  await settled();
  expect(await create('t', 1, 3)).toMatchObject({ errorCode: ErrorCode.INVALID_REPLICATION_FACTOR });
  expect(await create('t', 1, 2)).toMatchObject({ errorCode: ErrorCode.NONE });
});

test('__consumer_offsets is not created with fewer replicas than default.replication.factor', async () => {
  cluster = new ClusterUnderTest({ properties: { 'default.replication.factor': '3' } });
  for (const id of [1, 2]) await cluster.settle(cluster.node(id).start());
  const client = await cluster.client(1);
  const find = async () => (await cluster.settle(client.ask(FindCoordinator, 3, { key: 'g', keyType: 0 }))).errorCode;
  expect(await find()).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  await settled();
  expect(cluster.partitions('__consumer_offsets')).toEqual([]);
  await cluster.settle(cluster.node(3).start());
  await cluster.clock.run(10_000); // the pause after a failed attempt
  await find();
  await settled();
  expect(new Set(cluster.partitions('__consumer_offsets').map(({ replicas }) => replicas.length))).toEqual(
    new Set([3]),
  );
});

test('a broker that stops has moved its leaders before, and nobody is told of it any more', async () => {
  await started();
  await create('t', 6, 3);
  await cluster.settle(cluster.node(2).stop());
  await settled();
  expect(cluster.partitions('t').map(({ isr }) => isr.length)).toEqual([2, 2, 2, 2, 2, 2]);
  expect(cluster.partitions('t').some(({ leader }) => leader === BrokerId(2) || leader === NO_BROKER)).toBe(false);
  const { brokers } = await metadataFrom(1);
  expect(brokers.map(({ nodeId }) => nodeId)).toEqual([1, 3]);
});

test('when the controller stops another broker is the controller at once', async () => {
  await started();
  await cluster.settle(cluster.node(1).stop());
  await settled();
  expect([2, 3]).toContain(cluster.image.controller.id);
  expect((await metadataFrom(3)).controllerId).toBe(cluster.image.controller.id);
});

test('a broker that was killed is declared gone when its lease has ended, and its partitions are led by others', async () => {
  await started();
  await create('t', 6, 2);
  await cluster.clock.run(20_000);
  const before = cluster.partitions('t');
  cluster.node(3).kill();
  await cluster.clock.run(5_000);
  expect(cluster.image.brokers.get(BrokerId(3))?.isFenced).toBe(false);
  await cluster.until(() => cluster.image.brokers.get(BrokerId(3))?.isFenced === true);
  await settled(); // the leaders take it out of the ISRs
  for (const [place, { leader, leaderEpoch, isr }] of cluster.partitions('t').entries()) {
    expect(isr).not.toContain(3);
    const wasLed = before[place]?.leader === BrokerId(3);
    expect({ leader, leaderEpoch }).toEqual(
      wasLed ? { leader: isr[0], leaderEpoch: 1 } : { leader: before[place]?.leader, leaderEpoch: 0 },
    );
  }
});

test('when the controller is killed another one takes over, and fences it', async () => {
  await started();
  await cluster.clock.run(20_000);
  cluster.node(1).kill();
  await cluster.until(() => cluster.image.controller.id !== BrokerId(1));
  await cluster.until(() => cluster.image.brokers.get(BrokerId(1))?.isFenced === true);
  expect(cluster.image.controller.epoch).toBe(2);
});

test('a partition that only a killed broker has is led by nobody, and by that broker again when it is back', async () => {
  await started();
  const client = await cluster.client(1);
  const assignments = [{ partitionIndex: 0, brokerIds: [BrokerId(3)] }];
  const topics = [{ name: 't', numPartitions: -1, replicationFactor: -1, assignments }];
  await cluster.settle(client.ask(CreateTopics, 7, { topics, timeoutMs: 60_000 }));
  await cluster.clock.run(20_000);
  cluster.node(3).kill();
  await cluster.until(() => cluster.partitions('t')[0]?.leader === NO_BROKER);
  await settled();
  expect((await metadataFrom(1, ['t'])).topics[0]?.partitions[0]).toMatchObject({
    errorCode: ErrorCode.LEADER_NOT_AVAILABLE,
    leaderId: -1,
    offlineReplicas: [3],
  });
  await cluster.settle(cluster.node(3).start());
  expect(cluster.partitions('t')[0]).toMatchObject({ leader: 3, leaderEpoch: 2, isr: [3] });
});

test('while the database is away nobody is declared gone, nor for one lease after it is back', async () => {
  await started();
  await create('t', 6, 3);
  await cluster.clock.run(20_000);
  const before = cluster.partitions('t').map(({ leader, leaderEpoch }) => ({ leader, leaderEpoch }));
  cluster.database.health = 'away';
  await cluster.clock.run(120_000);
  cluster.database.health = 'well';
  await cluster.clock.run(60_000);
  expect(cluster.partitions('t').map(({ leader, leaderEpoch }) => ({ leader, leaderEpoch }))).toEqual(before);
  expect([...cluster.image.brokers.values()].some(({ isFenced }) => isFenced)).toBe(false);
});

test('a broker that cannot reach the database is declared gone, and is back once it can', async () => {
  await started();
  await create('t', 6, 3);
  await cluster.clock.run(20_000);
  cluster.database.accessOf('broker-2').health = 'away';
  await cluster.until(() => cluster.image.brokers.get(BrokerId(2))?.isFenced === true);
  expect(cluster.partitions('t').some(({ leader }) => leader === BrokerId(2))).toBe(false);
  cluster.database.accessOf('broker-2').health = 'well';
  await cluster.until(() => cluster.image.brokers.get(BrokerId(2))?.isFenced === false);
  expect(cluster.image.brokers.size).toBe(3);
});

test('preferred leaders are restored some time after their brokers are back', async () => {
  await started({ properties: { 'leader.imbalance.check.interval.seconds': '5' } });
  await create('t', 3, 1);
  const client = await cluster.client(1);
  const assignments = [{ partitionIndex: 0, brokerIds: [BrokerId(2), BrokerId(3)] }];
  const topics = [{ name: 'p', numPartitions: -1, replicationFactor: -1, assignments }];
  await cluster.settle(client.ask(CreateTopics, 7, { topics, timeoutMs: 60_000 }));
  await cluster.settle(cluster.node(2).stop());
  expect(cluster.partitions('p')[0]?.leader).toBe(3);
  await cluster.settle(cluster.node(2).start());
  // As replication does, once it has caught up.
  const topic = cluster.image.topics.get('p');
  const [partition] = cluster.partitions('p');
  if (!topic || !partition) throw new Error('the topic is gone');
  const inSync = { ...partition, isr: [BrokerId(3), BrokerId(2)], partitionEpoch: partition.partitionEpoch + 1 };
  await cluster.settle(
    cluster.database.metadataStore().commit(() => [{ type: 'partition-changed', id: topic.id, partition: inSync }]),
  );
  await cluster.until(() => cluster.partitions('p')[0]?.leader === BrokerId(2));
});

async function coordinatorOf(group: string, at: number): Promise<number> {
  const client = await cluster.client(at);
  for (let attempt = 0; attempt < 50; attempt++) {
    const found = await cluster.settle(client.ask(FindCoordinator, 3, { key: group, keyType: 0 }));
    if (found.errorCode === ErrorCode.NONE) return found.nodeId;
    expect(found.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    await cluster.clock.run(200);
  }
  throw new Error(`no coordinator of ${group}`);
}

async function commitAt(broker: number, groupId: string, offset: number): Promise<ErrorCode | undefined> {
  const client = await cluster.client(broker);
  const partitions = [{ partitionIndex: 0, committedOffset: offset as never, committedMetadata: '' }];
  const { topics } = await cluster.settle(
    client.ask(OffsetCommit, 8, {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [{ name: 't', partitions }],
    }),
  );
  return topics[0]?.partitions[0]?.errorCode;
}

async function committedAt(broker: number, groupId: string) {
  const client = await cluster.client(broker);
  const topics = [{ name: 't', partitionIndexes: [0] }];
  const found = await cluster.settle(client.ask(OffsetFetch, 7, { groupId, topics, requireStable: false }));
  return found.errorCode === ErrorCode.NONE ? found.topics[0]?.partitions[0]?.committedOffset : found.errorCode;
}

const GROUPS = Array.from({ length: 12 }, (_, number) => `group-${number}`);

test('a group is coordinated by the leader of its partition of __consumer_offsets, whichever broker is asked', async () => {
  await started();
  await create('t', 1, 3);
  await coordinatorOf('group-0', 1);
  await settled();
  const coordinators = new Set<number>();
  for (const group of GROUPS) {
    const coordinator = await coordinatorOf(group, 1);
    expect(await coordinatorOf(group, 3)).toBe(coordinator);
    coordinators.add(coordinator);
    expect(await commitAt(coordinator, group, 7)).toBe(ErrorCode.NONE);
    expect(await committedAt(coordinator, group)).toBe(7);
    const other = (coordinator % 3) + 1;
    expect(await commitAt(other, group, 8)).toBe(ErrorCode.NOT_COORDINATOR);
  }
  expect([...coordinators].toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
  expect(cluster.partitions('__consumer_offsets').map(({ replicas }) => replicas.length)).toContain(3);
});

test.each<[string, (id: number) => Promise<void>]>([
  ['stops', (id) => cluster.settle(cluster.node(id).stop())],
  [
    'is killed',
    async (id) => {
      cluster.node(id).kill();
      await cluster.until(() => cluster.image.brokers.get(BrokerId(id))?.isFenced === true);
    },
  ],
])('when a broker %s its groups move with the leaders of their partitions, offsets and all', async (_, end) => {
  await started();
  await create('t', 1, 3);
  await coordinatorOf('group-0', 1);
  await cluster.clock.run(20_000);
  const before = new Map<string, number>();
  for (const group of GROUPS) {
    before.set(group, await coordinatorOf(group, 1));
    expect(await commitAt(before.get(group) ?? 0, group, 7)).toBe(ErrorCode.NONE);
  }
  await end(2);
  await settled();
  let moved = 0;
  for (const group of GROUPS) {
    const coordinator = await coordinatorOf(group, 3);
    if (before.get(group) === 2) moved++;
    else expect(coordinator).toBe(before.get(group));
    expect(coordinator).not.toBe(2);
    expect(await committedAt(coordinator, group)).toBe(7);
    expect(await commitAt(coordinator, group, 8)).toBe(ErrorCode.NONE);
  }
  expect(moved).toBeGreaterThan(0);
});
