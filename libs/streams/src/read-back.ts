// Reads a stretch of the log again, outside of any group: a truck's track, a consumer's state after a restart.
import { BytesClient } from './bytes-client.ts';
import { recordsOf } from './fetched.ts';
import { connectionOptions, type KafkaAddress } from './kafka-address.ts';
import type { ConsumedRecord } from './record.ts';

export interface ReadBackOptions extends KafkaAddress {
  readonly clientId: string;
  readonly topic: string;
  /** Left out: all. */
  readonly partitions?: readonly number[];
  /** Begins at the first record received at or after this time, ms since 1970. */
  readonly fromTimestamp: number;
  /** Stops reading a partition after this many records. */
  readonly limit?: number;
}

const FETCH_BYTES = 1024 * 1024;

/** Yields batches, each of one partition in offset order, up to the end that the log has when it is asked. */
export async function* readBack(options: ReadBackOptions): AsyncGenerator<readonly ConsumedRecord[]> {
  const client = new BytesClient({
    groupId: options.clientId, // never joined: the library wants a name
    clientId: options.clientId,
    ...connectionOptions(options),
    retries: 3,
  });
  try {
    const { id, leaders } = await placeOf(client, options.topic);
    const partitions = options.partitions ?? leaders.map((_, index) => index);
    const begins = await offsetsAt(client, options.topic, partitions, BigInt(options.fromTimestamp));
    const ends = await offsetsAt(client, options.topic, partitions, LATEST);
    for (const partition of partitions) {
      const end = ends.get(partition) ?? 0n;
      const begin = begins.get(partition) ?? -1n;
      let left = options.limit ?? Number.POSITIVE_INFINITY;
      for (let at = begin; at >= 0n && at < end && left > 0; ) {
        const node = leaders[partition] as number;
        const response = await fetchFrom(client, node, id, partition, at);
        const batches = response.responses[0]?.partitions[0]?.records ?? [];
        const last = batches.at(-1);
        if (!last) break;
        const records = batches
          .flatMap((batch) => [...recordsOf(batch, options.topic, partition, Number(at))])
          .filter(({ offset }) => offset < end)
          .slice(0, left);
        left -= records.length;
        at = last.firstOffset + BigInt(last.lastOffsetDelta) + 1n;
        if (records.length > 0) yield records;
      }
    }
  } finally {
    await client.close(true);
  }
}

const LATEST = -1n;

async function placeOf(client: BytesClient, topic: string): Promise<{ id: string; leaders: number[] }> {
  const metadata = await client.metadata({ topics: [topic], autocreateTopics: false });
  const found = metadata.topics.get(topic);
  if (!found) throw new Error(`topic ${topic} does not exist`);
  return { id: found.id, leaders: found.partitions.map(({ leader }) => leader) };
}

async function offsetsAt(
  client: BytesClient,
  topic: string,
  partitions: readonly number[],
  timestamp: bigint,
): Promise<Map<number, bigint>> {
  const answer = await client.listOffsetsWithTimestamps({
    topics: [topic],
    partitions: { [topic]: [...partitions] },
    timestamp,
  });
  return new Map([...(answer.get(topic) ?? [])].map(([partition, { offset }]) => [partition, offset]));
}

function fetchFrom(client: BytesClient, node: number, topicId: string, partition: number, at: bigint) {
  return client.fetch({
    node,
    maxWaitTime: 0,
    minBytes: 0,
    maxBytes: FETCH_BYTES,
    topics: [
      {
        topicId,
        partitions: [
          { partition, fetchOffset: at, partitionMaxBytes: FETCH_BYTES, currentLeaderEpoch: -1, lastFetchedEpoch: -1 },
        ],
      },
    ],
  });
}
