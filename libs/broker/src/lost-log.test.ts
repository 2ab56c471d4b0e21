// The database is kept and the log folder is gone, or is an older copy of itself.
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerId, ErrorCode, type Host, type LeaderEpoch, Offset, Timestamp } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { batchesOf, buildBatch } from '@milepost/records';
import { CreateTopics, DeleteTopics, Fetch, OffsetCommit, OffsetForLeaderEpoch, Produce } from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'milepost-lost-log-'));
afterAll(() => rmSync(folder, { recursive: true }));

const warnings: string[] = [];
const plain = nodeHost();
const host: Host = { ...plain, logger: { ...plain.logger, warn: (_, message) => void warnings.push(message) } };
beforeEach(() => warnings.splice(0));

const create = (client: RawClient, name: string) =>
  client.ask(CreateTopics, 5, { topics: [{ name, numPartitions: 1, replicationFactor: 1 }], timeoutMs: 60_000 });

/** The offset of the record. */
async function produce(client: RawClient, topic: string, value: string): Promise<number | undefined> {
  const records = buildBatch({ records: [{ key: null, value: Buffer.from(value), timestamp: Timestamp(Date.now()) }] });
  const { responses } = await client.ask(Produce, 8, {
    acks: -1,
    timeoutMs: 60_000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  });
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE);
  return responses[0]?.partitionResponses[0]?.baseOffset;
}

/** All records from the offset on, as `offset value`. */
async function read(client: RawClient, topic: string, from: number): Promise<string[] | ErrorCode | undefined> {
  const partitions = [{ partition: 0, fetchOffset: Offset(from), partitionMaxBytes: 1_000_000 }];
  const { responses } = await client.ask(Fetch, 11, { maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions }] });
  const [partition] = responses[0]?.partitions ?? [];
  if (partition?.errorCode !== ErrorCode.NONE) return partition?.errorCode;
  return [...batchesOf(partition.records ?? Buffer.alloc(0))].flatMap((batch) =>
    [...batch.records()].map(({ offset, value }) => `${offset} ${value?.toString()}`),
  );
}

async function commit(client: RawClient, topic: string, offset: number): Promise<void> {
  const partitions = [{ partitionIndex: 0, committedOffset: Offset(offset), committedMetadata: '' }];
  const { topics } = await client.ask(OffsetCommit, 8, {
    groupId: 'g',
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [{ name: topic, partitions }],
  });
  expect(topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NONE);
}

const epochOf = (it: BrokerUnderTest): string => String(it.metadata.image.brokers.get(BrokerId(1))?.epoch);

test('an empty log folder under a broker that has lived before is refused, until the operator confirms that the logs are gone', async () => {
  const data = join(folder, 'gone');
  const it = new BrokerUnderTest(host, data, { 'offsets.topic.num.partitions': '2' });
  await it.start();
  const first = await it.client();
  await create(first, 't');
  for (const value of ['a', 'b', 'c', 'd']) await produce(first, 't', value);
  await commit(first, 't', 3);
  await it.stop();
  rmSync(data, { recursive: true });

  const word = epochOf(it);
  await expect(it.start()).rejects.toThrow(
    `log folder ${data} is empty, but broker 1 has lived before: mount the volume that holds its logs; if they are really ` +
      `gone, start once with MILEPOST_ACCEPT_LOST_LOG=${word}`,
  );
  await expect(it.start({ acceptLostLog: '999' })).rejects.toThrow('is empty');
  expect(readdirSync(data)).not.toContain('meta.properties');

  const before = it.metadata.image.topics.get('t')?.partitions[0]?.leaderEpoch ?? -1;
  await it.start({ acceptLostLog: word });
  expect(warnings).toEqual([
    'the log folder lacks records that were acknowledged: t-0 (no folder, groups committed 3); these partitions continue in a ' +
      'new leader epoch, beyond every committed offset',
  ]);
  const client = await it.client();
  expect(it.metadata.image.topics.get('t')?.partitions[0]?.leaderEpoch).toBe(before + 1);
  expect(await read(client, 't', 0)).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
  expect(await produce(client, 't', 'e')).toBe(3);
  expect(await read(client, 't', 3)).toEqual(['3 e']);
  await it.stop();

  // The same confirmation does not cover the next loss, and no other start needs it.
  await it.start({ acceptLostLog: word });
  expect(await read(await it.client(), 't', 3)).toEqual(['3 e']);
  await it.stop();
  rmSync(data, { recursive: true });
  await expect(it.start({ acceptLostLog: word })).rejects.toThrow('is empty');
});

test('an older copy of the folder is named in one warning, and no offset that a group has committed is reused', async () => {
  const data = join(folder, 'older');
  const copy = join(folder, 'older-copy');
  const it = new BrokerUnderTest(host, data, { 'offsets.topic.num.partitions': '2' });
  await it.start();
  let client = await it.client();
  for (const name of ['kept', 'recreated']) await create(client, name);
  for (const value of ['a', 'b', 'c']) await produce(client, 'kept', value);
  await it.stop();
  cpSync(data, copy, { recursive: true });
  await it.start();
  client = await it.client();
  await client.ask(DeleteTopics, 5, { topicNames: ['recreated'], timeoutMs: 60_000 });
  for (const name of ['recreated', 'new']) await create(client, name);
  for (const value of ['d', 'e', 'f']) await produce(client, 'kept', value);
  await commit(client, 'kept', 5);
  await it.stop();
  expect(warnings).toEqual([]);

  rmSync(data, { recursive: true });
  cpSync(copy, data, { recursive: true });
  await it.start();
  const [stray, lacking, ...more] = warnings;
  expect(stray).toContain('recreated-0');
  expect(lacking).toContain('kept-0 (ends at 3, groups committed 5)');
  expect(lacking).toContain('recreated-0 (no folder)');
  expect(lacking).toContain('new-0 (no folder)');
  expect(more).toEqual([]);
  client = await it.client();
  expect(await produce(client, 'kept', 'g')).toBe(5);
  expect(await read(client, 'kept', 0)).toEqual(['0 a', '1 b', '2 c', '5 g']);
  expect(await read(client, 'kept', 4)).toEqual(['5 g']);
  // A consumer that was at offset 5 in the old epoch learns that its log ends at 3 (KIP-320).
  const { topics } = await client.ask(OffsetForLeaderEpoch, 3, {
    topics: [{ topic: 'kept', partitions: [{ partition: 0, leaderEpoch: 0 as LeaderEpoch }] }],
  });
  expect(topics[0]?.partitions[0]).toMatchObject({ errorCode: ErrorCode.NONE, endOffset: 3 });
  await it.stop();

  warnings.splice(0);
  await it.start();
  expect(warnings).toEqual([]);
  expect(await read(await it.client(), 'kept', 0)).toEqual(['0 a', '1 b', '2 c', '5 g']);
  await it.stop();
});
