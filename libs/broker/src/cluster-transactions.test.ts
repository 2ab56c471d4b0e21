// Transactions over three brokers: their coordinators follow the leaders of `__transaction_state`, and their markers those of
// the partitions, through kills of either.
import { BrokerId, ErrorCode } from '@milepost/core';
import { CreateTopics, DescribeTransactions, FindCoordinator, InitProducerId, OffsetFetch } from '@milepost/wire';
import { ClusterUnderTest } from './testing/cluster-under-test.ts';
import { READ_COMMITTED, readValues } from './testing/read-values.ts';
import { TransactionalClient } from './testing/transactional-client.ts';

const { NONE } = ErrorCode;
const KINDS = ['old', 'new'] as const;
const GROUP = 0;
const TRANSACTION = 1;
const IDS = Array.from({ length: 12 }, (_, number) => `loader-${number}`);

let cluster: ClusterUnderTest;
beforeEach(async () => {
  cluster = new ClusterUnderTest({
    properties: { 'transaction.state.log.num.partitions': '6', 'offsets.topic.num.partitions': '6' },
  });
  await cluster.start();
  const client = await cluster.client(1);
  const topics = [{ name: 'trucks', numPartitions: 3, replicationFactor: 3 }];
  await cluster.settle(client.ask(CreateTopics, 7, { topics, timeoutMs: 60_000 }));
  await coordinatorOf('loader-0');
  await coordinatorOf('g', GROUP);
  await cluster.clock.run(20_000);
});
afterEach(() => cluster.stop());

/** Asks again for as long as the response is one that clients retry on. */
async function patiently<Response>(
  ask: () => Promise<Response>,
  errorOf: (response: Response) => ErrorCode,
): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    const response = await cluster.settle(ask());
    if (!RETRIABLE.has(errorOf(response)) || attempt === 100) return response;
    await cluster.clock.run(200);
  }
}

const RETRIABLE: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
]);

async function coordinatorOf(key: string, keyType = TRANSACTION, at = anyBroker()): Promise<number> {
  const client = await cluster.client(at);
  const found = await patiently(
    () => client.ask(FindCoordinator, 3, { key, keyType }),
    ({ errorCode }) => errorCode,
  );
  expect(found.errorCode).toBe(NONE);
  return found.nodeId;
}

/** One that serves, and that the others count as alive. */
const anyBroker = (): number =>
  [1, 2, 3].find(
    (id) => cluster.node(id).isUp && cluster.image.brokers.get(BrokerId(id))?.isFenced === false,
  ) as number;
const leaderOf = (index: number): number => cluster.partitions('trucks')[index]?.leader ?? -1;

/** A transactional id whose coordinator is that broker. */
async function idAt(broker: number): Promise<string> {
  for (const id of IDS) if ((await coordinatorOf(id)) === broker) return id;
  throw new Error(`broker ${broker} coordinates none of the ids`);
}

/** A producer that sends each request to the broker that it is for. */
class Producer {
  readonly #one: TransactionalClient;

  private constructor(one: TransactionalClient) {
    this.#one = one;
    one.now = () => cluster.clock.now();
  }

  static async start(kind: (typeof KINDS)[number], id: string): Promise<Producer> {
    const producer = new Producer(new TransactionalClient(await cluster.client(anyBroker()), kind, id));
    expect(await producer.#atCoordinator((one) => one.init())).toBe(NONE);
    return producer;
  }

  async write(value: string, ...partitions: number[]): Promise<void> {
    for (const index of partitions) {
      if (this.#one.kind === 'old')
        expect(await this.#atCoordinator(async (one) => (await one.add('trucks', index))[0] as ErrorCode)).toBe(NONE);
      expect(await this.#at(leaderOf(index), (one) => one.send('trucks', value, index))).toBe(NONE);
    }
  }

  async commitOffset(group: string, offset: number): Promise<void> {
    if (this.#one.kind === 'old') expect(await this.#atCoordinator((one) => one.addOffsets(group))).toBe(NONE);
    const coordinator = await coordinatorOf(group, GROUP);
    expect(await this.#at(coordinator, (one) => one.commitOffset(group, 'trucks', offset))).toBe(NONE);
  }

  end(committed: boolean): Promise<ErrorCode> {
    return this.#atCoordinator((one) => one.end(committed));
  }

  async endAt(broker: number, committed: boolean): Promise<ErrorCode> {
    this.#one.client = await cluster.client(broker);
    return cluster.settle(this.#one.end(committed));
  }

  async #atCoordinator(ask: (one: TransactionalClient) => Promise<ErrorCode>): Promise<ErrorCode> {
    return this.#at(await coordinatorOf(this.#one.transactionalId), ask);
  }

  async #at(broker: number, ask: (one: TransactionalClient) => Promise<ErrorCode>): Promise<ErrorCode> {
    this.#one.client = await cluster.client(broker);
    return patiently(
      () => ask(this.#one),
      (error) => error,
    );
  }
}

async function stateOf(id: string): Promise<string | undefined> {
  const client = await cluster.client(await coordinatorOf(id));
  const described = await patiently(
    () => client.ask(DescribeTransactions, 0, { transactionalIds: [id] }),
    ({ transactionStates }) => transactionStates[0]?.errorCode ?? NONE,
  );
  return described.transactionStates[0]?.transactionState;
}

async function until(id: string, state: string): Promise<void> {
  for (let attempt = 0; (await stateOf(id)) !== state; attempt++) {
    expect(attempt).toBeLessThan(500);
    await cluster.clock.run(200);
  }
}

async function committedValues(index: number): Promise<string[]> {
  const client = await cluster.client(leaderOf(index));
  return cluster.settle(readValues(client, 'trucks', index, READ_COMMITTED));
}

const committedEverywhere = async () => [await committedValues(0), await committedValues(1), await committedValues(2)];

async function committedOffset(groupId: string) {
  const client = await cluster.client(await coordinatorOf(groupId, GROUP));
  const groups = [{ groupId, topics: [{ name: 'trucks', partitionIndexes: [0] }] }];
  const answer = await cluster.settle(client.ask(OffsetFetch, 8, { groups, requireStable: true }));
  return answer.groups[0]?.topics[0]?.partitions[0]?.committedOffset;
}

function silence(from: number, ...to: number[]): () => void {
  const links = to.map((id) => cluster.network.link(`broker-${from}`, `broker-${id}`));
  for (const link of links) link.silence();
  return () => {
    for (const link of links) link.endSilence();
  };
}

async function kill(id: number): Promise<void> {
  cluster.node(id).kill();
  await cluster.until(() => cluster.image.brokers.get(BrokerId(id))?.isFenced === true);
  await cluster.clock.run(1_000);
}

test('a transactional id is coordinated by the leader of its partition, whichever broker is asked', async () => {
  const coordinators = new Set<number>();
  for (const id of IDS) {
    const coordinator = await coordinatorOf(id, TRANSACTION, 1);
    expect(await coordinatorOf(id, TRANSACTION, 3)).toBe(coordinator);
    coordinators.add(coordinator);
    const other = await cluster.client((coordinator % 3) + 1);
    const asked = { transactionalId: id, transactionTimeoutMs: 60_000, producerId: -1n, producerEpoch: -1 };
    expect((await cluster.settle(other.ask(InitProducerId, 4, asked))).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  }
  expect([...coordinators].toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
});

test.each(KINDS)(
  'a transaction over partitions and offsets of three brokers ends in all of them: %s client',
  async (kind) => {
    for (const coordinator of [1, 2, 3]) {
      const id = await idAt(coordinator);
      const group = `group-${coordinator}`;
      const one = await Producer.start(kind, id);
      await one.write(`aborted ${id}`, 0, 1, 2);
      await one.commitOffset(group, 5);
      expect(await one.end(false)).toBe(NONE);
      await until(id, 'CompleteAbort');
      expect(await committedOffset(group)).toBe(-1);
      await one.write(id, 0, 1, 2);
      await one.commitOffset(group, 7);
      expect(await one.end(true)).toBe(NONE);
      await until(id, 'CompleteCommit');
      expect(await committedOffset(group)).toBe(7);
    }
    const all = [await idAt(1), await idAt(2), await idAt(3)];
    expect(await committedEverywhere()).toEqual([all, all, all]);
  },
);

test.each(KINDS)(
  'when the coordinator is killed in mid-commit its successor ends the transaction: %s client',
  async (kind) => {
    const coordinator = leaderOf(0);
    const id = await idAt(coordinator);
    const one = await Producer.start(kind, id);
    await one.write('a', 0, 1, 2);
    await one.commitOffset('g', 5);
    const others = [1, 2, 3].filter((broker) => broker !== coordinator);
    const endSilence = silence(coordinator, ...others);
    // The client is on another machine: its response comes.
    expect(await one.end(true)).toBe(NONE);
    await cluster.clock.run(1_000);
    expect(await stateOf(id)).toBe('PrepareCommit');
    await kill(coordinator);
    endSilence();
    expect(await coordinatorOf(id)).not.toBe(coordinator);
    await until(id, 'CompleteCommit');
    expect(await committedEverywhere()).toEqual([['a'], ['a'], ['a']]);
    expect(await committedOffset('g')).toBe(5);
  },
);

test('when the leader of a partition is killed before its marker, its successor gets the marker', async () => {
  const coordinator = leaderOf(0);
  const leader = leaderOf(1);
  const id = await idAt(coordinator);
  const one = await Producer.start('new', id);
  await one.write('a', 0, 1, 2);
  const endSilence = silence(coordinator, leader);
  expect(await one.end(true)).toBe(NONE);
  await cluster.clock.run(1_000);
  expect(await stateOf(id)).toBe('PrepareCommit');
  await kill(leader);
  endSilence();
  await until(id, 'CompleteCommit');
  expect(leaderOf(1)).not.toBe(leader);
  expect(await committedEverywhere()).toEqual([['a'], ['a'], ['a']]);
});

test('a transaction that was open when its coordinator was killed goes on with the next one', async () => {
  const coordinator = leaderOf(0);
  const id = await idAt(coordinator);
  const one = await Producer.start('new', id);
  await one.write('a', 1, 2);
  await kill(coordinator);
  await one.write('b', 0, 1);
  expect(await one.end(true)).toBe(NONE);
  await until(id, 'CompleteCommit');
  expect(await committedEverywhere()).toEqual([['b'], ['a', 'b'], ['a']]);
});

test('a coordinator that was replaced without noticing decides nothing any more', async () => {
  const coordinator = leaderOf(0);
  const id = await idAt(coordinator);
  const one = await Producer.start('new', id);
  await one.write('a', 1);
  const access = cluster.database.accessOf(`broker-${coordinator}`);
  access.health = 'away';
  await cluster.until(() => cluster.image.brokers.get(BrokerId(coordinator))?.isFenced === true);
  expect(await one.endAt(coordinator, false)).not.toBe(NONE);
  expect(await one.end(true)).toBe(NONE);
  await until(id, 'CompleteCommit');
  access.health = 'well';
  await cluster.until(() => cluster.image.brokers.get(BrokerId(coordinator))?.isFenced === false);
  await cluster.clock.run(5_000);
  expect(await stateOf(id)).toBe('CompleteCommit');
  expect(await committedValues(1)).toEqual(['a']);
});

test('a partition whose disk fails in mid-commit gets its marker from the next leader, and the others get theirs at once', async () => {
  const coordinator = leaderOf(0);
  const failing = leaderOf(1);
  const id = await idAt(coordinator);
  const one = await Producer.start('new', id);
  await one.write('a', 0, 1, 2);
  cluster.node(failing).disk.fail = (operation, path) =>
    operation === 'synced' && path.includes('/trucks-1/') ? 'EIO' : undefined;
  expect(await one.end(true)).toBe(NONE);
  await cluster.clock.run(2_000);
  expect(await stateOf(id)).toBe('PrepareCommit');
  expect([await committedValues(0), await committedValues(2)]).toEqual([['a'], ['a']]);
  await cluster.settle(cluster.node(failing).stop());
  await until(id, 'CompleteCommit');
  expect(leaderOf(1)).not.toBe(failing);
  expect(await committedValues(1)).toEqual(['a']);
});
