// A broker checks what it stores, but another broker may return what we cannot parse.
import { silentLogger, Timestamp } from '@milepost/core';
import { buildBatch, RecordBatch } from '@milepost/records';
import { BytesClient, type FetchResponse } from './bytes-client.ts';
import { FailedPartitions } from './failed-partitions.ts';
import { FetchingClient } from './fetching-client.ts';
import type { ConsumedRecord } from './record.ts';

const ID = 'b0f3c8a4-3ac6-4b53-9f43-0f0c4ea3b0b1';

function batch(value: string, { isBroken = false } = {}) {
  const bytes = buildBatch({ records: [{ key: null, value: Buffer.from(value), timestamp: Timestamp(1) }] });
  if (isBroken) bytes[61] = 0x7e; // the record's length: beyond the batch
  const whole = RecordBatch.at(bytes, 0) as RecordBatch;
  return { whole, firstOffset: 0n, lastOffsetDelta: 0 };
}

const partition = (partitionIndex: number, ...records: ReturnType<typeof batch>[]) => ({
  partitionIndex,
  errorCode: 0,
  records,
});

test('a batch that cannot be parsed stops its own partition only, and before that batch', async () => {
  const taken: string[] = [];
  const failed = new FailedPartitions(silentLogger, 'group');
  const client = new FetchingClient(
    { groupId: 'group', clientId: 'test', bootstrapBrokers: ['127.0.0.1:1'] },
    {
      failed,
      signal: new AbortController().signal,
      take: async (records: readonly ConsumedRecord[]) => void taken.push(...records.map(({ value }) => String(value))),
    },
  );
  const partitions = [partition(0, batch('a')), partition(1, batch('b'), batch('bad', { isBroken: true }), batch('c'))];
  const asked: number[][] = [];
  const response = { responses: [{ topicId: ID, partitions }] } as unknown as FetchResponse;
  client.metadata = (async () => ({ topics: new Map([['positions', { id: ID }]]) })) as never;
  const fetch = Object.getOwnPropertyDescriptor(BytesClient.prototype, 'fetch');
  Object.defineProperty(BytesClient.prototype, 'fetch', {
    configurable: true,
    value: async ({ topics }: { topics: { partitions: { partition: number }[] }[] }) => {
      asked.push(topics.flatMap(({ partitions: own }) => own.map((one) => one.partition)));
      return response;
    },
  });
  try {
    const topics = [0, 1].map((index) => ({ topicId: ID, partitions: [{ partition: index, fetchOffset: 0n }] }));
    const options = { node: 1, topics } as unknown as Parameters<FetchingClient['fetch']>[0];
    await client.fetch(options);
    expect(taken).toEqual(['a', 'b']);
    expect(failed.names()).toEqual(['positions-1']);
    expect(response.responses[0]?.partitions[1]?.records).toHaveLength(1);
    await client.fetch(options);
    expect(asked).toEqual([[0, 1], [0]]);
  } finally {
    if (fetch) Object.defineProperty(BytesClient.prototype, 'fetch', fetch);
    else Reflect.deleteProperty(BytesClient.prototype, 'fetch');
    await client.close(true);
  }
});
