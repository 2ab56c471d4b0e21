// Topics and groups of a real broker, one of whose partitions fails.
import { type Broker, createBroker } from '@milepost/broker';
import { MemoryGroupStore, MemoryShareStateStore, MemoryTransactionStore } from '@milepost/coordinators';
import { BrokerId, type Logger, silentLogger } from '@milepost/core';
import { MemoryBrokerLeases, MemoryMetadataDatabase, MemoryMetadataStore } from '@milepost/metadata';
import { nodeHost } from '@milepost/node-host';
import { SimDisk } from '@milepost/simulator';
import { Consumer, ensureTopics, Producer } from '@milepost/streams';
import { clusterView, KafkaOperations } from './operations.ts';

const TOPIC = 'positions';
const failed = [{ topic: TOPIC, partition: 1, error: 'KAFKA_STORAGE_ERROR' }];
const disk = new SimDisk();
let broker: Broker;
let operations: KafkaOperations;
let producer: Producer;
/** Resolves when the producer has logged that a partition takes no records. */
const refused = Promise.withResolvers<void>();
const logger: Logger = { ...silentLogger, warn: () => refused.resolve() };

const kafka = () => ({ bootstrapServers: [`127.0.0.1:${broker.address.port}`] });
const send = (partition: number): Promise<unknown> =>
  producer.send([{ topic: TOPIC, partition, key: null, value: Buffer.from('a'), timestamp: 1_790_000_000_000 }]);

beforeAll(async () => {
  const host = nodeHost({ disk });
  const database = new MemoryMetadataDatabase();
  const stores = {
    metadata: new MemoryMetadataStore(database),
    groups: new MemoryGroupStore(),
    shares: new MemoryShareStateStore(),
    transactions: new MemoryTransactionStore(),
    leases: new MemoryBrokerLeases(database, host.clock),
  };
  broker = await createBroker(host, stores, {
    brokerId: BrokerId(1),
    dataDir: '/data',
    listen: { host: '127.0.0.1', port: 0 },
    advertised: { host: '127.0.0.1', port: 0 },
    rack: null,
    flush: 'always',
    properties: { 'group.initial.rebalance.delay.ms': '0' },
  });
  await ensureTopics(kafka(), [{ name: TOPIC, partitions: 3 }]);
  producer = new Producer({ ...kafka(), clientId: 'test', logger });
  operations = new KafkaOperations(kafka);
});
afterAll(async () => {
  await operations.close();
  await broker.close();
});

test('topics and groups are shown without the partition that fails, which is named', async () => {
  let handled = 0;
  const all = Promise.withResolvers<void>();
  const consumer = new Consumer({
    ...kafka(),
    groupId: 'readers',
    clientId: 'test',
    topics: [TOPIC],
    logger: silentLogger,
    handle: async (records) => {
      handled += records.length;
      if (handled === 3) all.resolve();
    },
  });
  for (const partition of [0, 1, 2]) await send(partition);
  await all.promise;
  await consumer.close(); // commits
  await send(0);
  disk.fail = (operation, path) => (operation === 'synced' && path.includes(`/${TOPIC}-1/`) ? 'EIO' : undefined);
  const sending = send(1).catch(() => {}); // tried again until the producer is closed
  await refused.promise;
  expect(await operations.topics()).toEqual([{ name: TOPIC, partitions: 3, records: 3, failed }]);
  expect(await operations.groups()).toEqual([
    expect.objectContaining({ id: 'readers', lag: 1, topics: [TOPIC], failed }),
  ]);
  await producer.close();
  await sending;
});

test('one broker is shown as the controller that leads every partition', async () => {
  const { brokers, topics } = await operations.cluster();
  const address = `127.0.0.1:${broker.address.port}`;
  const leads = topics.reduce((sum, { partitions }) => sum + partitions.length, 0);
  expect(brokers).toEqual([{ id: 1, address, rack: null, isController: true, isAway: false, leads }]);
  const positions = topics.find(({ name }) => name === TOPIC)?.partitions;
  expect(positions?.[2]).toEqual({ partition: 2, leader: 1, replicas: [1], isr: [1], isUnderReplicated: false });
});

test('a broker that is away is shown by its replicas, and what lacks them is marked', () => {
  const partition = (leader: number, isr: number[]) => ({
    leader,
    isr,
    replicas: [1, 2, 3],
    leaderEpoch: 0,
    offlineReplicas: [],
  });
  const partitions = [partition(1, [1, 2]), partition(2, [1, 2, 3]), partition(-1, [3])];
  const { brokers, topics } = clusterView({
    controllerId: 2,
    brokers: new Map([
      [1, { nodeId: 1, host: 'a', port: 9092, rack: 'north' }],
      [2, { nodeId: 2, host: 'b', port: 9093, rack: null }],
    ]),
    topics: new Map([['t', { id: 't', partitionsCount: 3, lastUpdate: 0, partitions }]]),
  });
  expect(brokers).toEqual([
    { id: 1, address: 'a:9092', rack: 'north', isController: false, isAway: false, leads: 1 },
    { id: 2, address: 'b:9093', rack: null, isController: true, isAway: false, leads: 1 },
    { id: 3, address: null, rack: null, isController: false, isAway: true, leads: 0 },
  ]);
  expect(topics[0]?.partitions.map(({ leader, isUnderReplicated }) => [leader, isUnderReplicated])).toEqual([
    [1, true],
    [2, false],
    [null, true],
  ]);
});
