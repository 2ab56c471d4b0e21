// Three brokers whose database fails over under them to a standby that lacks the last commits.
import { BrokerId, ErrorCode, Offset, Timestamp, ZERO_UUID } from '@milepost/core';
import { batchesOf, buildBatch } from '@milepost/records';
import { CreateTopics, Fetch, InitProducerId, Produce } from '@milepost/wire';
import { ClusterUnderTest } from './testing/cluster-under-test.ts';

let cluster: ClusterUnderTest;
afterEach(() => cluster.stop());

/** The topic `t`, with one partition on brokers 1, 2 and 3, led by broker 1. */
beforeEach(async () => {
  cluster = new ClusterUnderTest({ properties: { 'replica.lag.time.max.ms': '3000' } });
  await cluster.start();
  const client = await cluster.client(1);
  const assignments = [{ partitionIndex: 0, brokerIds: [1, 2, 3].map(BrokerId) }];
  const topics = [{ name: 't', numPartitions: -1, replicationFactor: -1, assignments }];
  await cluster.settle(client.ask(CreateTopics, 7, { topics, timeoutMs: 60_000 }));
  await cluster.clock.run(20_000);
});

const partition = () => {
  const [state] = cluster.partitions('t');
  if (!state) throw new Error('there is no partition');
  return state;
};
const isr = (): string => [...partition().isr].toSorted((a, b) => a - b).join();

async function produce(value: string, at: number = partition().leader): Promise<ErrorCode | undefined> {
  const client = await cluster.client(at);
  const records = buildBatch({ records: [{ key: null, value: Buffer.from(value), timestamp: Timestamp(1) }] });
  const topicData = [{ name: 't', topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }];
  const { responses } = await cluster.settle(client.ask(Produce, 12, { acks: -1, timeoutMs: 30_000, topicData }));
  return responses[0]?.partitionResponses[0]?.errorCode;
}

async function valuesAt(broker: number): Promise<string[]> {
  const client = await cluster.client(broker);
  const partitions = [{ partition: 0, fetchOffset: Offset(0), partitionMaxBytes: 1_000_000 }];
  const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topic: 't', partitions }] };
  const { responses } = await cluster.settle(client.ask(Fetch, 12, request));
  const records = responses[0]?.partitions[0]?.records ?? Buffer.alloc(0);
  return [...batchesOf(records)].flatMap((batch) => [...batch.records()].map(({ value }) => String(value)));
}

test('a replica that had left the ISR does not lead because the database has forgotten that it left', async () => {
  expect(await produce('all')).toBe(ErrorCode.NONE);
  const backup = cluster.database.backup();
  cluster.node(3).freeze();
  await cluster.until(() => isr() === '1,2');
  expect(await produce('without 3')).toBe(ErrorCode.NONE);
  cluster.database.failOver(backup);
  expect(isr()).toBe('1,2,3');
  await cluster.until(() => isr() === '1,2');
  cluster.node(1).kill();
  cluster.node(3).thaw();
  await cluster.until(() => partition().leader === 2);
  await cluster.clock.run(1_000);
  expect(await valuesAt(2)).toEqual(['all', 'without 3']);
});

test('a producer id that a broker has used is not used again because the database has forgotten its block', async () => {
  const idsAt = async (broker: number): Promise<bigint> => {
    const client = await cluster.client(broker);
    const request = { transactionalId: null, transactionTimeoutMs: 60_000 };
    return (await cluster.settle(client.ask(InitProducerId, 4, request))).producerId;
  };
  const backup = cluster.database.backup();
  const before = [await idsAt(1), await idsAt(1)];
  cluster.database.failOver(backup);
  await cluster.clock.run(20_000);
  const ids = [...before, await idsAt(2), await idsAt(2), await idsAt(2), await idsAt(1)];
  expect(new Set(ids).size).toBe(ids.length);
});

test('a leader that the database has forgotten leads on, and its epoch does not go back', async () => {
  const backup = cluster.database.backup();
  cluster.node(1).kill();
  await cluster.until(() => partition().leader === 2);
  await cluster.until(() => isr() === '2,3');
  await cluster.clock.run(1_000);
  expect(await produce('by 2')).toBe(ErrorCode.NONE);
  const { leaderEpoch } = partition();
  cluster.database.failOver(backup);
  expect(partition()).toMatchObject({ leader: 1, leaderEpoch: 0 });
  await cluster.until(() => partition().leader === 2);
  expect(partition()).toMatchObject({ leaderEpoch });
  expect(await produce('by 2 again', 2)).toBe(ErrorCode.NONE);
  await cluster.settle(cluster.node(1).start());
  await cluster.until(() => isr() === '1,2,3');
  expect(await valuesAt(1)).toEqual(['by 2', 'by 2 again']);
  expect(cluster.lines.filter((line) => line.includes('background task'))).toEqual([]);
});
