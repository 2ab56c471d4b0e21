// Offsets of a deleted topic are deleted, however the broker learns of the deletion.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrorCode } from '@milepost/core';
import { MemoryMetadataStore } from '@milepost/metadata';
import { nodeHost } from '@milepost/node-host';
import { CreateTopics, OffsetCommit, OffsetFetch } from '@milepost/wire';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import type { RawClient } from '../testing/raw-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'milepost-deleted-topics-'));
const it = new BrokerUnderTest(nodeHost(), folder);

beforeAll(() => it.start());
afterAll(async () => {
  await it.stop();
  rmSync(folder, { recursive: true });
});

async function create(client: RawClient): Promise<void> {
  const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1 }];
  const created = await client.ask(CreateTopics, 5, { topics, timeoutMs: 60_000 });
  expect(created.topics[0]?.errorCode).toBe(ErrorCode.NONE);
}

async function commit(client: RawClient, offset: number): Promise<void> {
  const partitions = [{ partitionIndex: 0, committedOffset: offset as never, committedMetadata: '' }];
  const topics = [{ name: 't', partitions }];
  const request = { groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '', topics };
  const committed = await client.ask(OffsetCommit, 8, request);
  expect(committed.topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NONE);
}

/** By name, as clients before OffsetFetch v10 do. */
async function committed(client: RawClient): Promise<number | undefined> {
  const topics = [{ name: 't', partitionIndexes: [0] }];
  const found = await client.ask(OffsetFetch, 7, { groupId: 'g', topics, requireStable: false });
  return found.topics[0]?.partitions[0]?.committedOffset;
}

/** Without the broker's knowledge, or while it is down. */
async function deleteInStore(): Promise<void> {
  const id = it.metadata.image.topics.get('t')?.id;
  if (!id) throw new Error('there is no topic t');
  await new MemoryMetadataStore(it.metadata).commit(() => [{ type: 'topic-deleted', id }]);
}

const stored = (): number => it.groups.groups.get('g')?.offsets.size ?? 0;

async function untilNoneIsStored(): Promise<void> {
  while (stored() > 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

test('a deletion whose response was lost, so that it is only seen in the next image (B2)', async () => {
  const client = await it.client();
  await create(client);
  await commit(client, 7);
  await deleteInStore();
  await untilNoneIsStored();
  await create(client);
  expect(await committed(client)).toBe(-1);
  await commit(client, 8);
  expect(await committed(client)).toBe(8);
});

test('a deletion after which the broker was killed before it followed up (B2)', async () => {
  expect(stored()).toBe(1);
  await it.stop();
  await deleteInStore();
  await it.start();
  await untilNoneIsStored();
  const client = await it.client();
  await create(client);
  expect(await committed(client)).toBe(-1);
});
