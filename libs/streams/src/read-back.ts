// Reads a range of the log again, outside of any group: a truck's track, a consumer's state after a restart.
import { ErrorCode, errorName } from '@milepost/core';
import type { RecordsBatch } from '@platformatic/kafka';
import { BytesClient, UNKNOWN_OFFSET } from './bytes-client.ts';
import { recordsOf } from './fetched.ts';
import { connectionOptions, type KafkaAddress } from './kafka-address.ts';
import type { ConsumedRecord } from './record.ts';

export interface ReadBackOptions extends KafkaAddress {
  readonly clientId: string;
  readonly topic: string;
  /** Absent: all. */
  readonly partitions?: readonly number[];
  /** Begins at the first record received at or after this time, ms since 1970. */
  readonly fromTimestamp: number;
  /** Stops reading a partition after this many records. */
  readonly limit?: number;
  /**
   * Called for a partition that cannot be read to its end; the others are read. Absent: PartitionUnreadable is thrown.
   */
  unreadable?(failure: PartitionUnreadable): void;
}

/** The data of a partition cannot be read, for a reason that does not concern other partitions. */
export class PartitionUnreadable extends Error {
  override readonly name = 'PartitionUnreadable';
  constructor(topic: string, partition: number, reason: string) {
    super(`${topic}-${partition} cannot be read: ${reason}`);
  }
}

const FETCH_BYTES = 1024 * 1024;

/** Yields batches, each of one partition in offset order, up to the end of the log at the call. */
export async function* readBack(options: ReadBackOptions): AsyncGenerator<readonly ConsumedRecord[]> {
  const client = new BytesClient({
    groupId: options.clientId, // never joined: the library requires a name
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
      const node = leaders[partition] as number;
      const stretch = {
        id,
        node,
        begin: begins.get(partition) ?? UNKNOWN_OFFSET,
        end: ends.get(partition) ?? UNKNOWN_OFFSET,
      };
      try {
        yield* stretchOf(client, options, partition, stretch);
      } catch (error) {
        if (!(error instanceof PartitionUnreadable) || !options.unreadable) throw error;
        options.unreadable(error);
      }
    }
  } finally {
    await client.close(true);
  }
}

const LATEST = -1n;
const EARLIEST = -2n;

/** The offsets of a partition: from the first record to the next one. */
export interface OffsetRange {
  readonly partition: number;
  readonly begin: number;
  readonly end: number;
}

/** Reads the partitions of a topic by offsets, outside of any group: for lists that begin with the newest records. */
export class OffsetReader {
  readonly #client: BytesClient;
  readonly #topic: string;
  #place: Promise<Place> | undefined;

  constructor({ clientId, topic, ...address }: Pick<ReadBackOptions, 'clientId' | 'topic'> & KafkaAddress) {
    this.#client = new BytesClient({ groupId: clientId, clientId, ...connectionOptions(address), retries: 3 });
    this.#topic = topic;
  }

  /** Of the partitions that can be read. */
  async ranges(): Promise<readonly OffsetRange[]> {
    const { leaders } = await this.#found();
    const partitions = leaders.map((_, partition) => partition);
    const begins = await offsetsAt(this.#client, this.#topic, partitions, EARLIEST);
    const ends = await offsetsAt(this.#client, this.#topic, partitions, LATEST);
    return partitions.flatMap((partition) => {
      const [begin = UNKNOWN_OFFSET, end = UNKNOWN_OFFSET] = [begins.get(partition), ends.get(partition)];
      return begin < 0n || end < 0n ? [] : [{ partition, begin: Number(begin), end: Number(end) }];
    });
  }

  /** In their order, in batches. @throws PartitionUnreadable */
  async *read({ begin, end, partition }: OffsetRange): AsyncGenerator<readonly ConsumedRecord[]> {
    const { id, leaders } = await this.#found();
    const stretch = { id, node: leaders[partition] as number, begin: BigInt(begin), end: BigInt(end) };
    yield* stretchOf(this.#client, { topic: this.#topic }, partition, stretch);
  }

  async close(): Promise<void> {
    await this.#client.close(true);
  }

  #found(): Promise<Place> {
    this.#place ??= placeOf(this.#client, this.#topic);
    return this.#place;
  }
}

interface Place {
  readonly id: string;
  /** Node ids, by partition. */
  readonly leaders: readonly number[];
}

interface Stretch {
  readonly id: string;
  /** The partition's leader. */
  readonly node: number;
  /** -1: there is no record at or after that time. */
  readonly begin: bigint;
  readonly end: bigint;
}

async function* stretchOf(
  client: BytesClient,
  { limit, topic }: Pick<ReadBackOptions, 'limit' | 'topic'>,
  partition: number,
  { begin, end, id, node }: Stretch,
): AsyncGenerator<readonly ConsumedRecord[]> {
  if (begin === UNKNOWN_OFFSET || end === UNKNOWN_OFFSET)
    throw new PartitionUnreadable(topic, partition, 'its offsets cannot be listed');
  let left = limit ?? Number.POSITIVE_INFINITY;
  for (let at = begin; at >= 0n && at < end && left > 0; ) {
    const response = await fetchFrom(client, node, id, partition, at);
    const fetched = response.responses[0]?.partitions[0];
    if (fetched && fetched.errorCode !== ErrorCode.NONE)
      throw new PartitionUnreadable(topic, partition, errorName(fetched.errorCode));
    const batches = fetched?.records ?? [];
    const last = batches.at(-1);
    if (!last) break;
    const records = recordsIn(batches, topic, partition, at)
      .filter(({ offset }) => offset < end)
      .slice(0, left);
    left -= records.length;
    at = last.firstOffset + BigInt(last.lastOffsetDelta) + 1n;
    if (records.length > 0) yield records;
  }
}

function recordsIn(batches: readonly RecordsBatch[], topic: string, partition: number, from: bigint): ConsumedRecord[] {
  try {
    return batches.flatMap((batch) => recordsOf(batch, topic, partition, Number(from)));
  } catch (error) {
    throw new PartitionUnreadable(topic, partition, (error as Error).message);
  }
}

async function placeOf(client: BytesClient, topic: string): Promise<Place> {
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
  const found = await client.listOffsetsWithTimestamps({
    topics: [topic],
    partitions: { [topic]: [...partitions] },
    timestamp,
  });
  return new Map(Array.from(found.get(topic) ?? [], ([partition, { offset }]) => [partition, offset]));
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
