// The library's consumer in a group, with the records of each fetch taken in one piece.
//
// Its stream stays what keeps our place: assignments, offsets, leaders that move, a group that rebalances. But it hands
// records over one by one, each through an object stream, with a context for tracing, a function to commit it and a map of
// its headers: several times the cost of all that we then do with the record. So the stream is given batches that hold
// none. It asks a broker for more only after it was given the last answer: that is how it is held back.
import type { ConsumerOptions, FetchOptions } from '@platformatic/kafka';
import { BytesClient, type FetchResponse } from './bytes-client.ts';
import { recordsOf } from './fetched.ts';
import type { ConsumedRecord } from './record.ts';

type Options = FetchOptions<Buffer, Buffer, Buffer, Buffer>;
type Answered = (error: Error | null, response?: FetchResponse) => void;

export class FetchingClient extends BytesClient {
  readonly #take: (records: readonly ConsumedRecord[]) => Promise<void>;
  readonly #topicNames = new Map<string, string>();

  /** `take` is given what a fetch has brought, partition by partition in order; the next fetch waits for it. */
  constructor(
    options: ConsumerOptions<Buffer, Buffer, Buffer, Buffer>,
    take: (records: readonly ConsumedRecord[]) => Promise<void>,
  ) {
    super(options);
    this.#take = take;
  }

  override fetch(options: Options, answered: Answered): void;
  override fetch(options: Options): Promise<FetchResponse>;
  override fetch(options: Options, answered?: Answered): Promise<FetchResponse> | void {
    const response = this.#fetch(options);
    if (answered === undefined) return response;
    response.then(
      (whole) => answered(null, whole),
      (error: unknown) => answered(error as Error),
    );
  }

  async #fetch(options: Options): Promise<FetchResponse> {
    const response = await super.fetch(options);
    const records = await this.#recordsOf(response, beginnings(options));
    if (records.length > 0) await this.#take(records);
    return response;
  }

  async #recordsOf(response: FetchResponse, begins: ReadonlyMap<string, number>): Promise<ConsumedRecord[]> {
    const all: ConsumedRecord[] = [];
    for (const { topicId, partitions } of response.responses) {
      const topic = await this.#nameOf(topicId);
      for (const { partitionIndex, records: batches } of partitions) {
        const begin = begins.get(`${topicId} ${partitionIndex}`);
        if (begin === undefined) continue; // left over in a fetch session: the stream ignores it too
        for (const batch of batches ?? [])
          for (const record of recordsOf(batch, topic, partitionIndex, begin)) all.push(record);
      }
    }
    return all;
  }

  async #nameOf(topicId: string): Promise<string> {
    if (!this.#topicNames.has(topicId)) {
      const { topics } = await this.metadata({ topics: this.topics.current });
      for (const [name, { id }] of topics) this.#topicNames.set(id, name);
    }
    return this.#topicNames.get(topicId) ?? '';
  }
}

/** The offset that was asked for, of each partition. */
function beginnings({ topics }: Options): Map<string, number> {
  return new Map(
    topics.flatMap(({ topicId, partitions }) =>
      partitions.map(({ partition, fetchOffset }) => [`${topicId} ${partition}`, Number(fetchOffset)] as const),
    ),
  );
}
