// The library's consumer in a group, with the records of each fetch delivered in one piece.
//
// The library's stream still tracks our position: assignments, offsets, leader changes, rebalances. But it delivers
// records one by one, each through an object stream, with a context for tracing, a function to commit it and a map of
// its headers: several times the cost of all that we then do with the record. So the stream gets batches without
// records. It fetches from a broker only after it got the last response: that is how it is held back.
//
// A partition that cannot be read, or whose next batch cannot be parsed, keeps its position and is left out of the
// fetches for a while. The stream does not learn of it: it would end, and with it all other partitions.
import { setTimeout as pause } from 'node:timers/promises';
import { ErrorCode, errorName } from '@milepost/core';
import type { ConsumerOptions, FetchOptions } from '@platformatic/kafka';
import { BytesClient, type FetchResponse } from './bytes-client.ts';
import type { FailedPartitions } from './failed-partitions.ts';
import { recordsOf } from './fetched.ts';
import type { ConsumedRecord } from './record.ts';

type Options = FetchOptions<Buffer, Buffer, Buffer, Buffer>;
type Callback = (error: Error | null, response?: FetchResponse) => void;
type FetchedTopic = FetchResponse['responses'][number];
type FetchedPartition = FetchedTopic['partitions'][number];

export interface FetchingOptions {
  /** Receives the records of a fetch, partition by partition in order; the next fetch waits for it. */
  readonly take: (records: readonly ConsumedRecord[]) => Promise<void>;
  readonly failed: FailedPartitions;
  /** Ends the pause of a fetch that has no partition to read. */
  readonly signal: AbortSignal;
}

export class FetchingClient extends BytesClient {
  readonly #own: FetchingOptions;
  readonly #topicNames = new Map<string, string>();

  constructor(options: ConsumerOptions<Buffer, Buffer, Buffer, Buffer>, own: FetchingOptions) {
    super(options);
    this.#own = own;
  }

  /** `topic-0` is assigned to this member. */
  owns(name: string): boolean {
    return (this.assignments ?? []).some(({ topic, partitions }) =>
      partitions.some((one) => `${topic}-${one}` === name),
    );
  }

  override fetch(options: Options, callback: Callback): void;
  override fetch(options: Options): Promise<FetchResponse>;
  override fetch(options: Options, callback?: Callback): Promise<FetchResponse> | void {
    const response = this.#fetch(options);
    if (callback === undefined) return response;
    response.then(
      (whole) => callback(null, whole),
      (error: unknown) => callback(error as Error),
    );
  }

  async #fetch(options: Options): Promise<FetchResponse> {
    const { failed, signal, take } = this.#own;
    const wanted = await this.#named(options);
    const waitsMs = wanted.map(({ name }) => failed.waitMs(name));
    const shortestMs = Math.min(...waitsMs);
    if (wanted.length > 0 && shortestMs > 0) await pause(shortestMs, undefined, { signal }).catch(() => {});
    const due = new Map(
      wanted.filter((_, at) => (waitsMs[at] as number) <= shortestMs).map((one) => [one.key, one] as const),
    );
    const response = await super.fetch({ ...options, topics: [...due.values()].map(({ topic }) => topic) });
    const records = response.responses.flatMap((topic) =>
      topic.partitions.flatMap((partition) => {
        const one = due.get(keyOf(topic.topicId, partition.partitionIndex));
        due.delete(one?.key ?? '');
        return one ? this.#recordsOf(one, partition) : []; // left over in a fetch session: the stream ignores it too
      }),
    );
    for (const { name } of due.values()) failed.succeeded(name); // nothing new, and no error
    if (records.length > 0) await take(records);
    return response;
  }

  /** Without the records of a batch that cannot be parsed, and all later ones: the position stays before them. */
  #recordsOf({ begin, name, partition, topicName }: Wanted, fetched: FetchedPartition): ConsumedRecord[] {
    const { failed } = this.#own;
    const records: ConsumedRecord[] = [];
    if (fetched.errorCode !== ErrorCode.NONE) {
      failed.failed(name, errorName(fetched.errorCode));
      return records;
    }
    const batches = fetched.records ?? [];
    for (const [at, batch] of batches.entries()) {
      try {
        for (const record of recordsOf(batch, topicName, partition, begin)) records.push(record);
      } catch (error) {
        failed.failed(name, `the batch at offset ${batch.firstOffset}: ${(error as Error).message}`);
        fetched.records = batches.slice(0, at);
        return records;
      }
    }
    failed.succeeded(name);
    return records;
  }

  /** The partitions of a fetch, one topic entry for each. */
  async #named({ topics }: Options): Promise<Wanted[]> {
    const wanted: Wanted[] = [];
    for (const { topicId, partitions } of topics) {
      const topicName = await this.#nameOf(topicId);
      for (const one of partitions)
        wanted.push({
          key: keyOf(topicId, one.partition),
          name: `${topicName}-${one.partition}`,
          topicName,
          partition: one.partition,
          begin: Number(one.fetchOffset),
          topic: { topicId, partitions: [one] },
        });
    }
    return wanted;
  }

  async #nameOf(topicId: string): Promise<string> {
    if (!this.#topicNames.has(topicId)) {
      const { topics } = await this.metadata({ topics: this.topics.current });
      for (const [name, { id }] of topics) this.#topicNames.set(id, name);
    }
    return this.#topicNames.get(topicId) ?? '';
  }
}

/** One partition of a fetch. */
interface Wanted {
  readonly key: string;
  readonly name: string;
  readonly topicName: string;
  readonly partition: number;
  /** The offset to read from. */
  readonly begin: number;
  readonly topic: Options['topics'][number];
}

const keyOf = (topicId: string, partition: number): string => `${topicId} ${partition}`;
