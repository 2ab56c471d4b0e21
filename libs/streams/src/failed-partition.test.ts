// One partition whose disk fails: the producer and the consumer of the others continue.
import { createBroker, type Broker } from '@milepost/broker';
import { MemoryGroupStore, MemoryShareStateStore, MemoryTransactionStore } from '@milepost/coordinators';
import { BrokerId, type DiskFile, DiskFailed, type Logger, silentLogger } from '@milepost/core';
import { MemoryBrokerLeases, MemoryMetadataDatabase, MemoryMetadataStore } from '@milepost/metadata';
import { nodeHost } from '@milepost/node-host';
import { SimDisk } from '@milepost/simulator';
import { type ConsumedRecord, Consumer, ensureTopics, PartitionUnreadable, Producer, readBack } from './index.ts';

const TOPIC = 'positions';
const PARTITIONS = 3;

let disk: SimDisk;
let broker: Broker;
/** Reads of files whose path contains it fail. */
let unreadable: string | undefined;
let lines: string[];

const logger: Logger = {
  ...silentLogger,
  info: (_, message) => void lines.push(message),
  warn: (_, message) => void lines.push(message),
};
const address = () => ({ bootstrapServers: [`127.0.0.1:${broker.address.port}`] });

function withFailingReads(sound: SimDisk): SimDisk {
  const open = sound.open.bind(sound) as (path: string, mode: 'create') => DiskFile | undefined;
  sound.open = ((path: string, mode: 'create') => {
    const file = open(path, mode);
    const read = file?.read.bind(file);
    if (file && read)
      file.read = (position, target) => {
        if (unreadable !== undefined && path.includes(unreadable)) throw new DiskFailed('read', path, 'EIO');
        return read(position, target);
      };
    return file;
  }) as SimDisk['open'];
  return sound;
}

beforeEach(async () => {
  unreadable = undefined;
  lines = [];
  disk = withFailingReads(new SimDisk());
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
  await ensureTopics(address(), [{ name: TOPIC, partitions: PARTITIONS }]);
});
afterEach(() => broker.close());

const recordOf = (partition: number, value: string) => ({
  topic: TOPIC,
  partition,
  key: null,
  value: Buffer.from(value),
  timestamp: 1_790_000_000_000,
});
const everywhere = (value: string) => Array.from({ length: PARTITIONS }, (_, partition) => recordOf(partition, value));

async function withProducer(use: (producer: Producer) => Promise<void>): Promise<void> {
  const producer = new Producer({ ...address(), clientId: 'test', logger });
  try {
    await use(producer);
  } finally {
    await producer.close();
  }
}

/** The consumed records, by partition; `until` resolves when a partition has that many. */
class Followed {
  readonly values: string[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly consumer: Consumer;
  #changed = Promise.withResolvers<void>();

  constructor(groupId: string) {
    this.consumer = new Consumer({
      ...address(),
      groupId,
      clientId: 'test',
      topics: [TOPIC],
      logger,
      handle: async (records) => {
        for (const { partition, value } of records) this.values[partition]?.push(String(value));
        this.#changed.resolve();
        this.#changed = Promise.withResolvers<void>();
      },
    });
  }

  async until(...counts: number[]): Promise<void> {
    while (counts.some((count, partition) => (this.values[partition]?.length ?? 0) < count))
      await this.#changed.promise;
  }
}

async function following(groupId: string, use: (followed: Followed) => Promise<void>): Promise<void> {
  const followed = new Followed(groupId);
  try {
    await use(followed);
  } finally {
    await followed.consumer.close();
  }
}

const failed = `${TOPIC}-1`;
const linesOf = (pattern: RegExp): string[] => lines.filter((line) => pattern.test(line));

test('a consumer continues without a partition that cannot be read, and reads that one as soon as it can', async () => {
  await withProducer((producer) => producer.send(everywhere('first')));
  unreadable = `/${failed}/`;
  await following('readers', async (followed) => {
    await followed.until(1, 0, 1);
    await withProducer((producer) => producer.send([recordOf(0, 'second'), recordOf(2, 'second')]));
    await followed.until(2, 0, 2);
    expect(followed.values).toEqual([['first', 'second'], [], ['first', 'second']]);
    expect(followed.consumer.failedPartitions()).toEqual([failed]);
    expect(followed.consumer.notReady()).toBeUndefined();
    unreadable = undefined;
    await followed.until(2, 1, 2);
    expect(followed.values[1]).toEqual(['first']);
    expect(followed.consumer.failedPartitions()).toEqual([]);
  });
  expect(linesOf(/cannot be read/)).toEqual([
    expect.stringMatching(/^positions-1 cannot be read: KAFKA_STORAGE_ERROR/),
  ]);
  expect(linesOf(/read again/)).toHaveLength(1);
});

test('a send that one partition refuses is stored in the others without delay, and once', async () => {
  await withProducer((producer) => producer.send(everywhere('first')));
  disk.fail = (operation, path) => (operation === 'synced' && path.includes(`/${failed}/`) ? 'EIO' : undefined);
  const ahead: number[] = [];
  const bothAhead = Promise.withResolvers<void>();
  const producer = new Producer({ ...address(), clientId: 'test', logger });
  let hasEnded = false;
  const sending = producer
    .send(everywhere('second'), (_, partition) => {
      if (ahead.push(partition) === PARTITIONS - 1) bothAhead.resolve();
    })
    .catch(() => {})
    .finally(() => (hasEnded = true));
  await bothAhead.promise;
  await producer.send([recordOf(0, 'third'), recordOf(2, 'third')]);
  expect(hasEnded).toBe(false);
  await producer.close();
  await sending;
  expect(new Set(ahead)).toEqual(new Set([0, 2]));
  expect(ahead).toHaveLength(2);
  await following('readers', async (followed) => {
    await followed.until(3, 0, 3);
    const whole = ['first', 'second', 'third'];
    expect([followed.values[0], followed.values[2]]).toEqual([whole, whole]);
  });
  expect(linesOf(/takes no records/)).toHaveLength(1);
});

test('a range is read back without the partition that cannot be read, which is reported', async () => {
  await withProducer((producer) => producer.send(everywhere('first')));
  unreadable = `/${failed}/`;
  const options = { ...address(), clientId: 'test', topic: TOPIC, fromTimestamp: 0 };
  const seen: ConsumedRecord[] = [];
  const failures: string[] = [];
  const skipping = { ...options, unreadable: ({ message }: PartitionUnreadable) => void failures.push(message) };
  for await (const records of readBack(skipping)) seen.push(...records);
  expect(seen.map(({ partition }) => partition)).toEqual([0, 2]);
  expect(failures).toEqual([expect.stringContaining(`${failed} cannot be read`)]);
  const reading = readBack({ ...options, partitions: [1] });
  await expect(reading.next()).rejects.toThrow(PartitionUnreadable);
});
