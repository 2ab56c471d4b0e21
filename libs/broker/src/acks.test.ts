// What the acknowledgement of a produce means: with acks=1 as with acks=all, the leader has the records for good.
import { type DiskFile, ErrorCode, NO_BROKER, Offset, Timestamp, ZERO_UUID } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { buildBatch } from '@milepost/records';
import { Partition } from '@milepost/replication';
import { SimDisk } from '@milepost/simulator';
import { CreateTopics, DeleteRecords, Fetch, ListOffsets, Metadata, Produce } from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

const LATEST = -1;

let syncs: Promise<void>;
let release: () => void;
/** Restores what a test has replaced. */
let restore: () => void;
let it: BrokerUnderTest;
let client: RawClient;
let other: RawClient;

/** Syncs of the topic's log wait for `syncs`. */
function withHeldSyncs(disk: SimDisk): SimDisk {
  const open = disk.open.bind(disk) as (path: string, mode: 'create') => DiskFile | undefined;
  disk.open = ((path: string, mode: 'create') => {
    const file = open(path, mode);
    const sync = file?.sync.bind(file);
    if (file && sync && path.includes('/trucks-0/') && path.endsWith('.log')) file.sync = () => syncs.then(sync);
    return file;
  }) as SimDisk['open'];
  return disk;
}

beforeEach(async () => {
  syncs = Promise.resolve();
  release = () => {};
  restore = () => {};
  it = new BrokerUnderTest(nodeHost({ disk: withHeldSyncs(new SimDisk()) }), '/data');
  await it.start();
  [client, other] = [await it.client(), await it.client()];
  await other.ask(CreateTopics, 7, { topics: [{ name: 'trucks', numPartitions: 1, replicationFactor: 1 }] });
});
afterEach(async () => {
  restore();
  release();
  await it.stop();
});

const production = (acks: number, timeoutMs = 60_000) => ({
  acks,
  timeoutMs,
  topicData: [
    {
      name: 'trucks',
      topicId: ZERO_UUID,
      partitionData: [
        {
          index: 0,
          records: buildBatch({ records: [{ key: null, value: Buffer.from('x'), timestamp: Timestamp(1) }] }),
        },
      ],
    },
  ],
});

async function latest(): Promise<number | undefined> {
  const topics = [{ name: 'trucks', partitions: [{ partitionIndex: 0, timestamp: Timestamp(LATEST) }] }];
  return (await other.ask(ListOffsets, 5, { replicaId: NO_BROKER, topics })).topics[0]?.partitions[0]?.offset;
}

test('an offset acknowledged with acks=1 is below the end that any client sees immediately', async () => {
  for (let n = 1; n <= 60; n++) {
    const { responses } = await client.ask(Produce, 8, production(1));
    expect(responses[0]?.partitionResponses[0]).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: n - 1 });
    expect(await latest()).toBe(n);
  }
  const partitions = [{ partitionIndex: 0, offset: Offset(60) }];
  const { topics } = await other.ask(DeleteRecords, 2, { topics: [{ name: 'trucks', partitions }], timeoutMs: 60_000 });
  expect(topics[0]?.partitions[0]).toMatchObject({ errorCode: ErrorCode.NONE, lowWatermark: 60 });
});

test('acks=1 waits for the fsync, however short the timeout of the request is', async () => {
  syncs = new Promise((resolve) => {
    release = resolve;
  });
  let isAnswered = false;
  const produced = client.ask(Produce, 8, production(1, 1)).finally(() => {
    isAnswered = true;
  });
  for (let n = 0; n < 20; n++) await other.ask(Metadata, 9, { topics: [] });
  expect([isAnswered, await latest()]).toEqual([false, 0]);
  release();
  expect((await produced).responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE);
});

test('records sent with acks=0 are soon readable, without a response and without another request', async () => {
  client.tell(Produce, 8, production(0));
  const partitions = [{ partition: 0, fetchOffset: Offset(0), partitionMaxBytes: 1000 }];
  const topics = [{ topic: 'trucks', partitions }];
  const { responses } = await other.ask(Fetch, 11, { maxWaitMs: 60_000, minBytes: 1, topics });
  expect(responses[0]?.partitions[0]).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 1 });
  expect(client.answered).toEqual([]);
});

test('a read_committed fetch keeps waiting while the committed records are behind an open transaction', async () => {
  const sound = Object.getOwnPropertyDescriptor(Partition.prototype, 'lastStableOffset') as PropertyDescriptor;
  restore = () => Object.defineProperty(Partition.prototype, 'lastStableOffset', sound);
  Object.defineProperty(Partition.prototype, 'lastStableOffset', { configurable: true, get: () => Offset(0) });
  let isAnswered = false;
  const partitions = [{ partition: 0, fetchOffset: Offset(0), partitionMaxBytes: 1000 }];
  const request = { maxWaitMs: 60_000, minBytes: 1, isolationLevel: 1, topics: [{ topic: 'trucks', partitions }] };
  const fetched = client.ask(Fetch, 11, request).finally(() => {
    isAnswered = true;
  });
  for (let n = 0; n < 5; n++) await other.ask(Produce, 8, production(-1));
  expect(isAnswered).toBe(false);
  restore();
  await other.ask(Produce, 8, production(-1));
  expect((await fetched).responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(0);
});
