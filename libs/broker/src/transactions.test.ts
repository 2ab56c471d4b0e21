// Transactions from end to end: what their clients are told, and what readers see.
import { ErrorCode, type Host, ZERO_UUID } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { SimDisk } from '@milepost/simulator';
import {
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  DescribeTransactions,
  FindCoordinator,
  ListTransactions,
  Metadata,
  OffsetFetch,
} from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';
import { readValues } from './testing/read-values.ts';
import { TransactionalClient } from './testing/transactional-client.ts';

const { NONE, PRODUCER_FENCED, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE } = ErrorCode;
const KINDS = ['old', 'new'] as const;

let host: Host;
let it: BrokerUnderTest;
let client: RawClient;

beforeEach(async () => {
  host = nodeHost({ disk: new SimDisk() });
  it = new BrokerUnderTest(host, '/data', {
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '50',
    'transaction.state.log.num.partitions': '3',
  });
  await it.start();
  client = await it.client();
  await client.ask(CreateTopics, 7, { topics: [{ name: 'trucks', numPartitions: 2, replicationFactor: 1 }] });
});
afterEach(() => it.stop());

const producer = async (kind: (typeof KINDS)[number], id = 'x'): Promise<TransactionalClient> => {
  const one = new TransactionalClient(await it.client(), kind, id);
  expect(await one.init()).toBe(NONE);
  return one;
};

/** An old client says beforehand where it will write. */
async function write(one: TransactionalClient, value: string, index = 0): Promise<ErrorCode> {
  if (one.kind === 'old') expect(await one.add('trucks', index)).toEqual([NONE]);
  return one.send('trucks', value, index);
}

const read = (isolationLevel: 0 | 1, index = 0): Promise<string[]> =>
  readValues(client, 'trucks', index, isolationLevel);

async function until<T>(look: () => Promise<T>, isGood: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = await look();
    if (isGood(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const stateOf = async (id = 'x') =>
  (await client.ask(DescribeTransactions, 0, { transactionalIds: [id] })).transactionStates[0]!;

const complete = (id = 'x') =>
  until(
    () => stateOf(id),
    ({ transactionState }) => transactionState.startsWith('Complete'),
  );

test.each(KINDS)('who reads committed records sees whole transactions only: %s client', async (kind) => {
  const one = await producer(kind);
  expect(await write(one, 'a')).toBe(NONE);
  expect(await write(one, 'b', 1)).toBe(NONE);
  expect(await stateOf()).toMatchObject({
    transactionState: 'Ongoing',
    topics: [{ topic: 'trucks', partitions: [0, 1] }],
  });
  expect([await read(0), await read(1), await read(1, 1)]).toEqual([['a'], [], []]);
  expect(await one.end(true)).toBe(NONE);
  await complete();
  expect([await read(1), await read(1, 1)]).toEqual([['a'], ['b']]);

  expect(await write(one, 'aborted')).toBe(NONE);
  expect(await one.end(false)).toBe(NONE);
  await complete();
  expect(await write(one, 'c')).toBe(NONE);
  expect(await one.end(true)).toBe(NONE);
  await complete();
  expect([await read(0), await read(1)]).toEqual([
    ['a', 'aborted', 'c'],
    ['a', 'c'],
  ]);
});

test.each(KINDS)('a producer that was replaced is refused everywhere: %s client', async (kind) => {
  const zombie = await producer(kind);
  expect(await write(zombie, 'of the zombie')).toBe(NONE);
  const next = await producer(kind);
  expect(next.producerEpoch).toBe(2);
  expect(await zombie.send('trucks', 'late')).toBe(INVALID_PRODUCER_EPOCH);
  expect(await zombie.end(true)).toBe(PRODUCER_FENCED);
  expect(await write(next, 'of the next')).toBe(NONE);
  expect(await next.end(true)).toBe(NONE);
  await complete();
  expect(await read(1)).toEqual(['of the next']);
});

test('a partition that an old client has not added is refused', async () => {
  const one = await producer('old');
  expect(await one.send('trucks', 'a')).toBe(INVALID_TXN_STATE);
  expect(await one.add('trucks', 0)).toEqual([NONE]);
  expect(await one.send('trucks', 'a', 1)).toBe(INVALID_TXN_STATE);
  expect(await one.send('trucks', 'a')).toBe(NONE);
});

test('a partition that is not there refuses the whole request', async () => {
  const one = await producer('old');
  const { OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
  expect(await one.add('trucks', 0, 7)).toEqual([OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION]);
  expect((await stateOf()).transactionState).toBe('Empty');
});

async function committedOffset(requireStable: boolean) {
  const groups = [{ groupId: 'g', topics: [{ name: 'trucks', partitionIndexes: [0] }] }];
  const answer = await client.ask(OffsetFetch, 8, { groups, requireStable });
  const { errorCode, committedOffset: offset } = answer.groups[0]!.topics[0]!.partitions[0]!;
  return [errorCode, offset];
}

test.each(KINDS)('offsets count when their transaction is committed: %s client', async (kind) => {
  const one = await producer(kind);
  if (kind === 'old') {
    expect(await one.commitOffset('g', 'trucks', 5)).toBe(INVALID_TXN_STATE);
    expect(await one.addOffsets('g')).toBe(NONE);
  }
  expect(await write(one, 'result')).toBe(NONE);
  expect(await one.commitOffset('g', 'trucks', 5)).toBe(NONE);
  expect(await committedOffset(false)).toEqual([NONE, -1]);
  expect(await committedOffset(true)).toEqual([ErrorCode.UNSTABLE_OFFSET_COMMIT, -1]);
  expect(await one.end(true)).toBe(NONE);
  await complete();
  expect(await committedOffset(true)).toEqual([NONE, 5]);

  if (kind === 'old') expect(await one.addOffsets('g')).toBe(NONE);
  expect(await one.commitOffset('g', 'trucks', 9)).toBe(NONE);
  expect(await one.end(false)).toBe(NONE);
  await complete();
  expect(await committedOffset(true)).toEqual([NONE, 5]);
});

test('a transaction that was decided and not ended everywhere is ended after a restart', async () => {
  const one = await producer('new');
  expect(await write(one, 'a')).toBe(NONE);
  expect(await one.commitOffset('g', 'trucks', 5)).toBe(NONE);
  await it.stop();
  const row = it.transactions.transactions.get('x')!;
  const { transaction } = row;
  // As after kill -9 between the decision and the markers.
  const decided = { ...transaction, state: 'PrepareCommit', producerEpoch: 1, lastProducerEpoch: 0 } as const;
  it.transactions.transactions.set('x', { ...row, transaction: decided });
  await it.start();
  client = await it.client();
  await complete();
  expect(await read(1)).toEqual(['a']);
  expect(await committedOffset(true)).toEqual([NONE, 5]);
});

test('a transaction that was open at a restart goes on', async () => {
  const one = await producer('old');
  expect(await write(one, 'a')).toBe(NONE);
  await it.stop();
  await it.start();
  client = await it.client();
  one.client = await it.client();
  expect(await one.send('trucks', 'b')).toBe(NONE);
  expect(await read(1)).toEqual([]);
  expect(await one.end(true)).toBe(NONE);
  await complete();
  expect(await read(1)).toEqual(['a', 'b']);
});

test('a transaction that lasts too long is aborted, and readers go on', async () => {
  const one = new TransactionalClient(await it.client(), 'new');
  one.timeoutMs = 100;
  expect(await one.init()).toBe(NONE);
  expect(await write(one, 'a')).toBe(NONE);
  expect((await complete()).transactionState).toBe('CompleteAbort');
  expect(await one.send('trucks', 'b')).toBe(INVALID_PRODUCER_EPOCH);
  expect(await one.end(true)).toBe(INVALID_TXN_STATE);
  const next = await producer('new', 'y');
  expect(await write(next, 'c')).toBe(NONE);
  expect(await next.end(true)).toBe(NONE);
  await complete('y');
  expect(await read(1)).toEqual(['c']);
});

test('a topic that is deleted within a transaction does not hold it up', async () => {
  await client.ask(CreateTopics, 7, { topics: [{ name: 'gone', numPartitions: 1, replicationFactor: 1 }] });
  const one = await producer('new');
  expect(await one.send('gone', 'a')).toBe(NONE);
  expect(await write(one, 'b')).toBe(NONE);
  await client.ask(DeleteTopics, 6, { topics: [{ name: 'gone', topicId: ZERO_UUID }], timeoutMs: 30_000 });
  expect(await one.end(true)).toBe(NONE);
  await complete();
  expect(await read(1)).toEqual(['b']);
});

test('a late EndTxn of an old client leaves its next transaction open', async () => {
  const one = await producer('old');
  const formerConnection = one.client;
  expect(await write(one, 'a')).toBe(NONE);
  one.client = await it.client();
  expect(await one.end(true)).toBe(NONE);
  await complete();
  expect(await write(one, 'b')).toBe(NONE);
  const current = one.client;
  one.client = formerConnection;
  expect(await one.end(true)).toBe(INVALID_TXN_STATE);
  one.client = current;
  expect(await one.end(false)).toBe(NONE);
  await complete();
  expect(await read(1)).toEqual(['a']);
});

test('transactions are found, described and listed', async () => {
  const one = await producer('new', 'truck-loader');
  expect(await write(one, 'a')).toBe(NONE);
  const { coordinators } = await client.ask(FindCoordinator, 4, { keyType: 1, coordinatorKeys: ['truck-loader'] });
  expect(coordinators).toMatchObject([{ key: 'truck-loader', nodeId: 1, errorCode: NONE }]);
  // The topic is created now, and its leader loads the transactions that the broker had without it.
  await until(internalTopic, (topic) => topic !== undefined);
  const isLoaded = ({ errorCode }: { readonly errorCode: ErrorCode }) =>
    errorCode !== ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  const described = await until(() => stateOf('truck-loader'), isLoaded);
  expect(described).toMatchObject({ errorCode: NONE, producerId: one.producerId, transactionTimeoutMs: 60_000 });
  expect((await until(() => stateOf('nobody'), isLoaded)).errorCode).toBe(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND);
  const filters = { stateFilters: ['Ongoing', 'Nonsense'], producerIdFilters: [] };
  expect(await until(() => client.ask(ListTransactions, 2, filters), isLoaded)).toMatchObject({
    unknownStateFilters: ['Nonsense'],
    transactionStates: [{ transactionalId: 'truck-loader', transactionState: 'Ongoing' }],
  });
});

async function internalTopic() {
  const { topics } = await client.ask(Metadata, 12, { topics: null, allowAutoTopicCreation: false });
  return topics.find(({ name }) => name === '__transaction_state');
}

test('the topic of transactions is created when a producer looks for its coordinator, and is internal', async () => {
  await client.ask(FindCoordinator, 4, { keyType: 1, coordinatorKeys: ['x'] });
  const topic = await until(internalTopic, (found) => found !== undefined);
  expect(topic).toMatchObject({ isInternal: true });
  expect(topic?.partitions).toHaveLength(3);
});

test('transaction version 2 is finalized', async () => {
  const { finalizedFeatures } = await client.ask(ApiVersions, 4, {
    clientSoftwareName: 'a',
    clientSoftwareVersion: '1',
  });
  expect(finalizedFeatures).toContainEqual({ name: 'transaction.version', minVersionLevel: 2, maxVersionLevel: 2 });
});
