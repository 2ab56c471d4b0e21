// What a reader of a partition gets from its start on, by isolation level: the values of the records that its client would see.
import { NO_BROKER, Offset, ZERO_UUID } from '@milepost/core';
import { batchesOf } from '@milepost/records';
import { Fetch } from '@milepost/wire';
import type { RawClient } from './raw-client.ts';

export const READ_UNCOMMITTED = 0;
export const READ_COMMITTED = 1;

export async function readValues(
  client: RawClient,
  topic: string,
  index: number,
  isolationLevel: typeof READ_UNCOMMITTED | typeof READ_COMMITTED,
): Promise<string[]> {
  const partitions = [{ partition: index, fetchOffset: Offset(0), partitionMaxBytes: 1_000_000 }];
  const { responses } = await client.ask(Fetch, 12, {
    replicaId: NO_BROKER,
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1_000_000,
    isolationLevel,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic, topicId: ZERO_UUID, partitions }],
    forgottenTopicsData: [],
  } as never);
  const fetched = responses[0]?.partitions[0];
  const begun = (fetched?.abortedTransactions ?? []).toSorted((one, other) => one.firstOffset - other.firstOffset);
  const aborted = new Set<bigint>();
  const values: string[] = [];
  for (const batch of batchesOf(fetched?.records ?? Buffer.alloc(0))) {
    while (begun[0] && begun[0].firstOffset <= batch.baseOffset) aborted.add(begun.shift()?.producerId as bigint);
    if (batch.isControl) aborted.delete(batch.producerId);
    else if (!batch.isTransactional || !aborted.has(batch.producerId))
      for (const { value } of batch.records()) values.push(String(value));
  }
  return values;
}
