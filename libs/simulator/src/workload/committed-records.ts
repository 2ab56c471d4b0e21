// Reads a partition with read_committed: without the records of open and of aborted transactions.
import { ErrorCode, Offset, ZERO_UUID } from '@milepost/core';
import { batchesOf } from '@milepost/records';
import { Fetch, type ResponseOutput } from '@milepost/wire';
import type { ClusterClient } from './cluster-client.ts';

const READ_COMMITTED = 1;
const VERSION = 12;

type Fetched = ResponseOutput<typeof Fetch>['responses'][number]['partitions'][number];

export interface CommittedRecords {
  readonly values: readonly string[];
  /** Where the next fetch begins. */
  readonly next: number;
  /** No transaction is open, or lacks its marker. */
  readonly isStable: boolean;
}

/** All records. Undefined while the partition cannot be read, or a transaction in it is open. */
export async function readCommitted(
  client: ClusterClient,
  topic: string,
  index: number,
): Promise<string[] | undefined> {
  const values: string[] = [];
  for (let offset = 0; ; ) {
    const found = await fetchCommitted(client, topic, index, offset);
    if (!found) return undefined;
    values.push(...found.values);
    if (found.next === offset) return found.isStable ? values : undefined;
    offset = found.next;
  }
}

/** The records from the offset on, as far as one response has them. Undefined if the partition cannot be read. */
export async function fetchCommitted(
  client: ClusterClient,
  topic: string,
  index: number,
  offset: number,
): Promise<CommittedRecords | undefined> {
  const partitions = [{ partition: index, fetchOffset: Offset(offset), partitionMaxBytes: 1 << 20 }];
  const response = await client.ask(Fetch, VERSION, {
    maxWaitMs: 0,
    minBytes: 0,
    isolationLevel: READ_COMMITTED,
    sessionEpoch: -1,
    topics: [{ topic, topicId: ZERO_UUID, partitions }],
  });
  const fetched = response?.responses[0]?.partitions[0];
  return fetched?.errorCode === ErrorCode.NONE ? visibleIn(fetched, offset) : undefined;
}

/** A client skips aborted records by the producer ids and first offsets in the response. */
function visibleIn(fetched: Fetched, from: number): CommittedRecords {
  const { abortedTransactions, records, highWatermark, lastStableOffset } = fetched;
  const begun = (abortedTransactions ?? []).toSorted((one, other) => one.firstOffset - other.firstOffset);
  const aborted = new Set<bigint>();
  const values: string[] = [];
  let next = from;
  for (const batch of batchesOf(records ?? Buffer.alloc(0))) {
    for (; begun[0] && begun[0].firstOffset <= batch.baseOffset; begun.shift()) aborted.add(begun[0].producerId);
    if (batch.isControl) aborted.delete(batch.producerId);
    else if (!batch.isTransactional || !aborted.has(batch.producerId))
      for (const { offset, value } of batch.records()) if (offset >= from) values.push(String(value));
    next = batch.nextOffset;
  }
  return { values, next, isStable: lastStableOffset >= highWatermark };
}
