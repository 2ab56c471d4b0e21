// Requests that wait for a topic while it is deleted, or deleted and recreated, on a disk whose syncs the test holds
// back.
import { type DiskFile, ErrorCode, Offset, Timestamp, type Uuid, ZERO_UUID } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { MemoryMetadataStore, type TopicState } from '@milepost/metadata';
import { buildBatch } from '@milepost/records';
import { SimDisk } from '@milepost/simulator';
import { PrometheusMeter } from '@milepost/telemetry';
import { CreateTopics, DeleteTopics, Fetch, Produce } from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

let syncsOfTrucks: Promise<void>;
let released: () => void;
let meter: PrometheusMeter;
let it: BrokerUnderTest;
let client: RawClient;
let other: RawClient;

/** Syncs of `trucks-0` wait for `syncsOfTrucks`. */
function withHeldSyncs(disk: SimDisk): SimDisk {
  const open = disk.open.bind(disk) as (path: string, mode: 'create') => DiskFile | undefined;
  disk.open = ((path: string, mode: 'create') => {
    const file = open(path, mode);
    const sync = file?.sync.bind(file);
    if (file && sync && path.endsWith('/trucks-0/00000000000000000000.log')) file.sync = () => syncsOfTrucks.then(sync);
    return file;
  }) as SimDisk['open'];
  return disk;
}

function holdSyncs(): void {
  syncsOfTrucks = new Promise((resolve) => {
    released = resolve;
  });
}

beforeEach(async () => {
  syncsOfTrucks = Promise.resolve();
  released = () => {};
  meter = new PrometheusMeter();
  it = new BrokerUnderTest(nodeHost({ disk: withHeldSyncs(new SimDisk()), meter }), '/data');
  await it.start();
  [client, other] = [await it.client(), await it.client()];
  await create();
});
afterEach(async () => {
  released();
  await it.stop();
});

const create = () =>
  other.ask(CreateTopics, 7, {
    topics: [{ name: 'trucks', numPartitions: 1, replicationFactor: 1 }],
    timeoutMs: 5_000,
  });
const remove = () => other.ask(DeleteTopics, 5, { topicNames: ['trucks'], timeoutMs: 5_000 });

const topicId = (): Uuid => it.broker.image().topics.get('trucks')?.id ?? ZERO_UUID;

async function produce(): Promise<ErrorCode | undefined> {
  const records = buildBatch({ records: [{ key: null, value: Buffer.from('x'), timestamp: Timestamp(1) }] });
  const topicData = [{ name: 'trucks', topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.ask(Produce, 8, { acks: -1, timeoutMs: 60_000, topicData });
  return responses[0]?.partitionResponses[0]?.errorCode;
}

async function fetch(version: number, id: Uuid = ZERO_UUID): Promise<ErrorCode | undefined> {
  const partitions = [{ partition: 0, fetchOffset: Offset(0), partitionMaxBytes: 1000 }];
  const topics = [{ topic: 'trucks', topicId: id, partitions }];
  const { responses } = await client.ask(Fetch, version, { maxWaitMs: 60_000, minBytes: 1, topics });
  return responses[0]?.partitions[0]?.errorCode;
}

/** Resolves when a request for the topic has arrived and waits. */
async function waiting(kind: 'fetch' | 'produce'): Promise<void> {
  const counter = `kafka_server_brokertopicmetrics_total${kind}requests_total{topic="trucks"} 1`;
  while (!(await meter.text()).includes(counter)) await new Promise((resolve) => setTimeout(resolve, 2));
}

test.each([4, 12, 13])(
  'a fetch (v%i) that waits while its topic is deleted is answered UNKNOWN_TOPIC_OR_PARTITION',
  async (version) => {
    const fetched = fetch(version, topicId());
    await waiting('fetch');
    await remove();
    expect(await fetched).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  },
);

test('a produce that waits for its fsync while its topic is deleted is answered UNKNOWN_TOPIC_OR_PARTITION', async () => {
  holdSyncs();
  const produced = produce();
  await waiting('produce');
  const removed = remove();
  expect(await produced).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  released();
  await removed;
});

test.each([12, 13])(
  'a fetch (v%i) that waits while its topic is recreated is not answered from the new one',
  async (version) => {
    const fetched = fetch(version, topicId());
    await waiting('fetch');
    await new MemoryMetadataStore(it.metadata).commit((image) => {
      const topic = image.topics.get('trucks') as TopicState;
      const recreated = { ...topic, id: nodeHost().random.uuid() as Uuid };
      return [
        { type: 'topic-deleted', id: topic.id },
        { type: 'topic-created', topic: recreated },
      ];
    });
    expect(await fetched).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  },
);
