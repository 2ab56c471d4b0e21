// A broker whose disk fails under one partition, or is full, as clients, operators and the other partitions see it.
import {
  type DiskFile,
  DiskFailed,
  ErrorCode,
  type Logger,
  NO_BROKER,
  Offset,
  silentLogger,
  Timestamp,
  ZERO_UUID,
} from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { buildBatch } from '@milepost/records';
import { SimDisk } from '@milepost/simulator';
import { PrometheusMeter } from '@milepost/telemetry';
import {
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  DescribeTransactions,
  Fetch,
  ListOffsets,
  Produce,
} from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';
import { READ_COMMITTED, readValues } from './testing/read-values.ts';
import { TransactionalClient } from './testing/transactional-client.ts';

let disk: SimDisk;
let errors: string[];
let meter: PrometheusMeter;
let it: BrokerUnderTest;
let client: RawClient;
let readsFail: boolean;
let onError: () => void;

/** Files of `bad-0` that cannot be read while `readsFail`. */
function withFailingReads(sound: SimDisk): SimDisk {
  const open = sound.open.bind(sound) as (path: string, mode: 'create') => DiskFile | undefined;
  sound.open = ((path: string, mode: 'create') => {
    const file = open(path, mode);
    const read = file?.read.bind(file);
    if (file && read)
      file.read = (position, target) => {
        if (readsFail && path.includes('/bad-0/')) throw new DiskFailed('read', path, 'EIO');
        return read(position, target);
      };
    return file;
  }) as SimDisk['open'];
  return sound;
}

beforeEach(async () => {
  readsFail = false;
  onError = () => {};
  errors = [];
  disk = withFailingReads(new SimDisk());
  meter = new PrometheusMeter();
  const logger: Logger = {
    ...silentLogger,
    error: (_, message) => {
      errors.push(message);
      onError();
    },
  };
  it = new BrokerUnderTest(nodeHost({ disk, logger, meter }), '/data', { 'log.retention.check.interval.ms': '20' });
  await it.start();
  client = await it.client();
  for (const name of ['bad', 'good'])
    await client.ask(CreateTopics, 7, { topics: [{ name, numPartitions: 1, replicationFactor: 1 }] });
});
afterEach(() => it.stop());

async function produce(name: string, timestampMs = Date.now()): Promise<ErrorCode | undefined> {
  const records = buildBatch({ records: [{ key: null, value: Buffer.from('v'), timestamp: Timestamp(timestampMs) }] });
  const topicData = [{ name, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.ask(Produce, 8, { acks: -1, timeoutMs: 5_000, topicData });
  return responses[0]?.partitionResponses[0]?.errorCode;
}

async function fetch(topic: string): Promise<ErrorCode | undefined> {
  const partitions = [{ partition: 0, fetchOffset: Offset(0), partitionMaxBytes: 1_000 }];
  const { responses } = await client.ask(Fetch, 12, { maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions }] });
  return responses[0]?.partitions[0]?.errorCode;
}

async function shown(name: string): Promise<string | undefined> {
  return new RegExp(`^${name} (\\d+)$`, 'm').exec(await meter.text())?.[1];
}

const LATEST = Timestamp(-1);

const failSyncsOf = (part: string): void => {
  disk.fail = (operation, path) => (operation === 'synced' && path.includes(part) ? 'EIO' : undefined);
};

test('a partition whose sync fails responds with KAFKA_STORAGE_ERROR, and the others continue', async () => {
  failSyncsOf('/bad-0/');
  expect(await produce('bad')).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  disk.fail = () => undefined;
  expect(await produce('bad')).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(await produce('good')).toBe(ErrorCode.NONE);
  expect(await fetch('good')).toBe(ErrorCode.NONE);
});

test('it is logged in exactly one line, however many requests it gets', async () => {
  failSyncsOf('/bad-0/');
  for (let n = 0; n < 3; n++) await produce('bad');
  expect(errors).toEqual([expect.stringMatching(/^bad-0 takes no more records: its disk failed: .*EIO.*restart/)]);
});

test('one that fails in retention, where no request waits, is logged in that one line too', async () => {
  const configs = [{ name: 'retention.ms', value: '1000' }];
  await client.ask(CreateTopics, 7, { topics: [{ name: 'old', numPartitions: 1, replicationFactor: 1, configs }] });
  expect(await produce('old', 1_000)).toBe(ErrorCode.NONE);
  disk.fail = (operation, path) => (operation === 'syncedFolder' && path.endsWith('/old-0') ? 'EIO' : undefined);
  const said = new Promise<void>((resolve) => {
    onError = resolve;
  });
  await produce('old', 1_000); // a commit syncs no names, the roll before a deletion does
  await said;
  expect(await produce('old')).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(it.broker.failedPartitions()).toEqual(['old-0']);
  await it.stop();
  expect(errors).toEqual([expect.stringMatching(/^old-0 takes no more records: its disk failed: .*EIO.*restart/)]);
});

test.each([
  ['is full', 'append', 'ENOSPC'],
  ['renames nothing', 'rename', 'EIO'],
])('a topic is deleted, and a new one of its name begins empty, though the disk %s', async (_, failing, code) => {
  expect(await produce('bad')).toBe(ErrorCode.NONE);
  disk.fail = (operation) => (operation === failing ? code : undefined);
  const deleted = await client.ask(DeleteTopics, 5, { topicNames: ['bad'], timeoutMs: 5_000 });
  expect(deleted.responses[0]?.errorCode).toBe(ErrorCode.NONE);
  disk.fail = () => undefined;
  await client.ask(CreateTopics, 7, { topics: [{ name: 'bad', numPartitions: 1, replicationFactor: 1 }] });
  expect(await produce('bad')).toBe(ErrorCode.NONE);
  const topics = [{ name: 'bad', partitions: [{ partitionIndex: 0, timestamp: LATEST }] }];
  const latest = await client.ask(ListOffsets, 6, { replicaId: NO_BROKER, isolationLevel: 0, topics });
  expect(latest.topics[0]?.partitions[0]?.offset).toBe(1);
});

test('it is counted, from 0 on, and reported by name to the host', async () => {
  expect(await shown('milepost_log_failed_partitions')).toBe('0');
  expect(it.broker.failedPartitions()).toEqual([]);
  failSyncsOf('/bad-0/');
  await produce('bad');
  expect(await shown('milepost_log_failed_partitions')).toBe('1');
  expect(await shown('kafka_controller_kafkacontroller_offlinepartitionscount')).toBe('1');
  expect(it.broker.failedPartitions()).toEqual(['bad-0']);
});

test('a restart on a sound disk restores it', async () => {
  failSyncsOf('/bad-0/');
  await produce('bad');
  await it.stop();
  disk.fail = () => undefined;
  await it.start();
  client = await it.client();
  expect(await produce('bad')).toBe(ErrorCode.NONE);
  expect(it.broker.failedPartitions()).toEqual([]);
});

test('a full disk refuses what does not fit, and works again once there is room', async () => {
  expect(await produce('bad')).toBe(ErrorCode.NONE);
  disk.capacityBytes = disk.usedBytes + 10;
  expect(await produce('bad')).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(errors.at(-1)).toMatch(/^bad-0: .*ENOSPC/);
  expect([it.broker.failedPartitions(), it.broker.partitionsOutOfRoom()]).toEqual([[], ['bad-0']]);
  disk.capacityBytes = 2 ** 40;
  expect(it.broker.partitionsOutOfRoom()).toEqual([]);
  expect(await produce('bad')).toBe(ErrorCode.NONE);
  disk.capacityBytes = disk.usedBytes + 10;
  expect(it.broker.partitionsOutOfRoom()).toEqual([]);
});

test('a disk whose quota is used up is out of room, though it has free space, until a write succeeds again', async () => {
  disk.fail = (operation) => (operation === 'append' ? 'EDQUOT' : undefined);
  expect(await produce('bad')).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(errors.at(-1)).toMatch(/^bad-0: .*EDQUOT/);
  expect([it.broker.failedPartitions(), it.broker.partitionsOutOfRoom()]).toEqual([[], ['bad-0']]);
  expect(it.broker.partitionsOutOfRoom()).toEqual(['bad-0']);
  disk.fail = () => undefined;
  expect(it.broker.partitionsOutOfRoom()).toEqual([]);
  expect(await produce('bad')).toBe(ErrorCode.NONE);
});

test.each(['Fetch', 'ListOffsets'])(
  'a read that fails in %s is answered KAFKA_STORAGE_ERROR and logged',
  async (api) => {
    await produce('bad');
    readsFail = true;
    if (api === 'Fetch') expect(await fetch('bad')).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    else {
      const topics = [{ name: 'bad', partitions: [{ partitionIndex: 0, timestamp: Timestamp(1) }] }];
      const answer = await client.ask(ListOffsets, 6, { replicaId: NO_BROKER, isolationLevel: 0, topics });
      expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    }
    expect(errors).toEqual([expect.stringMatching(/^bad-0: read .*EIO/)]);
    readsFail = false;
    expect(await produce('bad')).toBe(ErrorCode.NONE);
  },
);

test('a deletion of records whose checkpoint the disk refuses is answered KAFKA_STORAGE_ERROR and logged', async () => {
  await produce('bad');
  failSyncsOf('checkpoint');
  const topics = [{ name: 'bad', partitions: [{ partitionIndex: 0, offset: Offset(1) }] }];
  const answer = await client.ask(DeleteRecords, 2, { topics, timeoutMs: 5_000 });
  expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(errors.at(-1)).toMatch(/^bad-0: .*EIO/);
});

test('a transaction over a partition whose disk fails in mid-commit ends in the others at once, and there after a restart', async () => {
  const one = new TransactionalClient(client, 'new');
  expect(await one.init()).toBe(ErrorCode.NONE);
  expect(await one.send('bad', 'a')).toBe(ErrorCode.NONE);
  expect(await one.send('good', 'b')).toBe(ErrorCode.NONE);
  failSyncsOf('/bad-0/');
  expect(await one.end(true)).toBe(ErrorCode.NONE);
  const state = async () =>
    (await client.ask(DescribeTransactions, 0, { transactionalIds: ['x'] })).transactionStates[0];
  while ((await state())?.topics.some(({ topic }) => topic === 'good')) await new Promise(setImmediate);
  expect(await state()).toMatchObject({
    transactionState: 'PrepareCommit',
    topics: [{ topic: 'bad', partitions: [0] }],
  });
  expect(await readValues(client, 'good', 0, READ_COMMITTED)).toEqual(['b']);
  disk.fail = () => undefined;
  await it.stop();
  await it.start();
  client = await it.client();
  while ((await state())?.transactionState !== 'CompleteCommit') await new Promise(setImmediate);
  expect(await readValues(client, 'bad', 0, READ_COMMITTED)).toEqual(['a']);
});
