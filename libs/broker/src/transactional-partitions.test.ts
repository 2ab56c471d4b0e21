// Transactions as the leaders of their partitions see them: what may be written, what read_committed sees, and markers.
import { ErrorCode, NO_BROKER, Offset, Timestamp, ZERO_UUID } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { batchesOf, buildBatch } from '@milepost/records';
import { SimDisk } from '@milepost/simulator';
import {
  CreateTopics,
  DescribeProducers,
  Fetch,
  ListOffsets,
  Produce,
  type ProduceRequest,
  WriteTxnMarkers,
} from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';
import { CoordinatedVerifier } from './transactions/coordinated-verifier.ts';
import type { PartitionsToVerify } from './transactions/ports.ts';

const READ_COMMITTED = 1;
const PRODUCER = 7n;

const realVerify = Object.getOwnPropertyDescriptor(CoordinatedVerifier.prototype, 'verify') as PropertyDescriptor;

let it: BrokerUnderTest;
let client: RawClient;
let asked: PartitionsToVerify[];
/** What the coordinator says, request by request; the last one again and again. */
let verdicts: ErrorCode[];

beforeEach(async () => {
  asked = [];
  verdicts = [ErrorCode.NONE];
  CoordinatedVerifier.prototype.verify = async (question) => {
    asked.push(question);
    const verdict = (verdicts.length > 1 ? verdicts.shift() : verdicts[0]) as ErrorCode;
    return question.partitions.map(() => verdict);
  };
  it = new BrokerUnderTest(nodeHost({ disk: new SimDisk() }), '/data');
  await it.start();
  client = await it.client();
  await client.ask(CreateTopics, 7, { topics: [{ name: 'trucks', numPartitions: 2, replicationFactor: 1 }] });
});
afterEach(async () => {
  Object.defineProperty(CoordinatedVerifier.prototype, 'verify', realVerify);
  await it.stop();
});

interface Sent {
  readonly sequence?: number;
  readonly epoch?: number;
  readonly version?: number;
  readonly isTransactional?: boolean;
  readonly partitions?: readonly number[];
}

async function send(value: string, sent: Sent = {}) {
  const { sequence = 0, epoch = 0, version = 11, isTransactional = true, partitions = [0] } = sent;
  const records = () =>
    buildBatch({
      records: [{ key: null, value: Buffer.from(value), timestamp: Timestamp(Date.now()) }],
      ...(isTransactional && { producerId: PRODUCER, producerEpoch: epoch, baseSequence: sequence }),
      isTransactional,
    });
  const partitionData = partitions.map((index) => ({ index, records: records() }));
  const request: Partial<ProduceRequest> & Pick<ProduceRequest, 'acks' | 'timeoutMs' | 'topicData'> = {
    transactionalId: isTransactional ? 'loader' : null,
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: 'trucks', topicId: ZERO_UUID, partitionData }],
  };
  const { responses } = await client.ask(Produce, version, request);
  const codes = responses[0]?.partitionResponses.map(({ errorCode }) => errorCode) ?? [];
  return codes.length === 1 ? codes[0] : codes;
}

async function mark(isCommit: boolean, more: { topic?: string; epoch?: number; coordinatorEpoch?: number } = {}) {
  const { topic = 'trucks', epoch = 0, coordinatorEpoch = 0 } = more;
  const about = { producerId: PRODUCER, producerEpoch: epoch, transactionResult: isCommit, coordinatorEpoch };
  const markers = [{ ...about, topics: [{ name: topic, partitionIndexes: [0] }] }];
  const { markers: answered } = await client.ask(WriteTxnMarkers, 1, { markers });
  return answered[0]?.topics[0]?.partitions[0]?.errorCode;
}

async function fetch(isolationLevel: number, more: { offset?: number; maxWaitMs?: number; minBytes?: number } = {}) {
  const { offset = 0, maxWaitMs = 0, minBytes = 1 } = more;
  const partitions = [{ partition: 0, fetchOffset: Offset(offset), partitionMaxBytes: 1_000_000 }];
  const topics = [{ topic: 'trucks', partitions }];
  const reader = await it.client();
  const { responses } = await reader.ask(Fetch, 11, {
    replicaId: NO_BROKER,
    maxWaitMs,
    minBytes,
    isolationLevel,
    sessionEpoch: -1,
    topics,
  });
  const found = responses[0]?.partitions[0];
  const offsets = [...batchesOf(found?.records ?? Buffer.alloc(0))].map(({ baseOffset }) => baseOffset as number);
  return { ...found, offsets };
}

async function latest(isolationLevel: number): Promise<number | undefined> {
  const topics = [{ name: 'trucks', partitions: [{ partitionIndex: 0, timestamp: Timestamp(-1) }] }];
  const listed = await client.ask(ListOffsets, 5, { replicaId: NO_BROKER, isolationLevel, topics });
  return listed.topics[0]?.partitions[0]?.offset;
}

describe('a produce that begins a transaction', () => {
  test('is appended after the coordinator has confirmed all its partitions in one question', async () => {
    expect(await send('a', { partitions: [0, 1] })).toEqual([ErrorCode.NONE, ErrorCode.NONE]);
    expect(asked).toEqual([
      {
        transactionalId: 'loader',
        producerId: PRODUCER,
        producerEpoch: 0,
        addsPartitions: false,
        partitions: [
          { topic: 'trucks', index: 0 },
          { topic: 'trucks', index: 1 },
        ],
      },
    ]);
    expect(await send('b', { sequence: 1 })).toBe(ErrorCode.NONE);
    expect(asked).toHaveLength(1);
  });

  test('from version 12 on has its partitions added', async () => {
    await send('a', { version: 12 });
    expect(asked).toMatchObject([{ addsPartitions: true }]);
  });

  test.each<[string, number, ErrorCode, ErrorCode]>([
    ['of no transaction', 9, ErrorCode.INVALID_TXN_STATE, ErrorCode.INVALID_TXN_STATE],
    ['of a fenced producer', 9, ErrorCode.PRODUCER_FENCED, ErrorCode.INVALID_PRODUCER_EPOCH],
    ['while the coordinator loads', 9, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_ENOUGH_REPLICAS],
    ['while the last transaction completes', 11, ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.NOT_ENOUGH_REPLICAS],
    ['abortable, of an old client', 10, ErrorCode.TRANSACTION_ABORTABLE, ErrorCode.INVALID_TXN_STATE],
    ['abortable', 11, ErrorCode.TRANSACTION_ABORTABLE, ErrorCode.TRANSACTION_ABORTABLE],
  ])('%s is refused, and nothing is appended', async (_, version, verdict, errorCode) => {
    verdicts = [verdict];
    expect(await send('a', { version })).toBe(errorCode);
    expect(await latest(0)).toBe(0);
  });

  test('of version 12 waits a little for the last transaction to complete', async () => {
    verdicts = [ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.NONE];
    expect(await send('a', { version: 12 })).toBe(ErrorCode.NONE);
    expect(asked).toHaveLength(2);
  });

  test('keeps its order with the requests behind it on the connection', async () => {
    const both = [send('a'), send('b', { sequence: 1 })];
    expect(await Promise.all(both)).toEqual([ErrorCode.NONE, ErrorCode.NONE]);
    expect(asked).toHaveLength(1);
  });
});

describe('a reader with read_committed', () => {
  test('reads up to the first open transaction; one with read_uncommitted reads it', async () => {
    await send('plain', { isTransactional: false });
    await send('a');
    await send('plain', { isTransactional: false });
    expect(await fetch(READ_COMMITTED)).toMatchObject({ offsets: [0], highWatermark: 3, lastStableOffset: 1 });
    expect(await fetch(0)).toMatchObject({ offsets: [0, 1, 2], abortedTransactions: null });
    expect([await latest(READ_COMMITTED), await latest(0)]).toEqual([1, 3]);
    expect(await mark(true)).toBe(ErrorCode.NONE);
    expect(await fetch(READ_COMMITTED)).toMatchObject({ offsets: [0, 1, 2, 3], lastStableOffset: 4 });
    expect(await latest(READ_COMMITTED)).toBe(4);
  });

  test('waits behind an open transaction until it ends, whatever is written meanwhile', async () => {
    await send('a');
    const waiting = fetch(READ_COMMITTED, { maxWaitMs: 60_000 });
    for (let n = 0; n < 20; n++) await send(`plain ${n}`, { isTransactional: false });
    await mark(true);
    expect((await waiting).offsets[0]).toBe(0);
    expect((await waiting).lastStableOffset).toBe(22);
  });
});

test('a reader with read_committed waits for the bytes that it can see, not for those behind an open transaction', async () => {
  await send('plain', { isTransactional: false });
  const sizeBytes = (await fetch(READ_COMMITTED)).records?.length ?? 0;
  await send('a');
  const waiting = fetch(READ_COMMITTED, { offset: 1, maxWaitMs: 60_000, minBytes: 2 * sizeBytes + 200 });
  let isAnswered = false;
  void waiting.then(() => {
    isAnswered = true;
  });
  for (let n = 0; n < 20; n++) await send('plain', { isTransactional: false });
  await mark(true); // the transaction, 20 plain batches and the marker become visible
  const first = await waiting;
  expect([isAnswered, first.offsets.length]).toEqual([true, 22]);

  await send('b', { sequence: 1 }); // offset 23
  const behind = fetch(READ_COMMITTED, { offset: 23, maxWaitMs: 300, minBytes: 1 });
  await send('plain', { isTransactional: false });
  expect(await behind).toMatchObject({ offsets: [], lastStableOffset: 23, highWatermark: 25 });
});

test('a reader with read_committed is told of the aborted transactions in what it reads, and of no others', async () => {
  await send('a');
  await mark(false); // offset 1
  await send('b', { sequence: 1 });
  await mark(true); // offset 3
  await send('c', { sequence: 2 });
  await mark(false); // offset 5
  expect(await fetch(READ_COMMITTED)).toMatchObject({
    offsets: [0, 1, 2, 3, 4, 5],
    abortedTransactions: [
      { producerId: PRODUCER, firstOffset: 0 },
      { producerId: PRODUCER, firstOffset: 4 },
    ],
  });
  expect(await fetch(READ_COMMITTED, { offset: 2 })).toMatchObject({
    abortedTransactions: [{ producerId: PRODUCER, firstOffset: 4 }],
  });
  expect(await fetch(0)).toMatchObject({ offsets: [0, 1, 2, 3, 4, 5], abortedTransactions: null });
});

describe('markers', () => {
  test('of a fenced coordinator, of a fenced producer, for what is not here', async () => {
    await send('a', { epoch: 3 });
    expect(await mark(true, { epoch: 2 })).toBe(ErrorCode.INVALID_PRODUCER_EPOCH);
    expect(await mark(true, { epoch: 3, coordinatorEpoch: 5 })).toBe(ErrorCode.NONE);
    expect(await mark(true, { epoch: 3, coordinatorEpoch: 4 })).toBe(ErrorCode.TRANSACTION_COORDINATOR_FENCED);
    expect(await mark(true, { topic: 'vans' })).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(await mark(true, { epoch: -1 })).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
  });
});

test('DescribeProducers tells where an open transaction began, and the epoch of the coordinator that ended the last', async () => {
  const described = async () => {
    const topics = [{ name: 'trucks', partitionIndexes: [0] }];
    return (await client.ask(DescribeProducers, 0, { topics })).topics[0]?.partitions[0]?.activeProducers;
  };
  await send('plain', { isTransactional: false });
  await send('a');
  expect(await described()).toMatchObject([{ producerId: PRODUCER, currentTxnStartOffset: 1, coordinatorEpoch: -1 }]);
  await mark(false, { coordinatorEpoch: 6 });
  expect(await described()).toMatchObject([{ producerId: PRODUCER, currentTxnStartOffset: -1, coordinatorEpoch: 6 }]);
});
