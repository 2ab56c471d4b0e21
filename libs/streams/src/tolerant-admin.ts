// The admin client of programs that show what there is. An error of one partition does not fail the response for the others:
// the library throws the whole response away. A listed partition has its offset or the name of its error.
import { ErrorCode, errorName } from '@milepost/core';
import { type API, kGetApi, ResponseError } from '@platformatic/kafka';
import { AdminClient } from './admin-client.ts';

export const EARLIEST = -2n;
export const LATEST = -1n;

export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  /** Undefined where there is an error. */
  readonly offset: number | undefined;
  /** The name of Kafka's error code. */
  readonly error: string | undefined;
}

export class TolerantAdmin extends AdminClient {
  /** Of all partitions of the topics. @throws for what is not the matter of one partition, such as a broker that is away. */
  async offsetsOf(topics: readonly string[], timestamp: bigint): Promise<PartitionOffset[]> {
    if (topics.length === 0) return [];
    const metadata = await this.metadata({ topics: [...topics], autocreateTopics: false, forceUpdate: true });
    const partitions = [...metadata.topics].flatMap(([topic, found]) =>
      found.partitions.map(({ leader }, partition) => ({ topic, partition, leader })),
    );
    const led = Map.groupBy(
      partitions.filter(({ leader }) => leader >= 0),
      ({ topic }) => topic,
    );
    const listed = await this.listOffsets({
      topics: Array.from(led, ([name, of]) => ({
        name,
        partitions: of.map(({ partition }) => ({ partitionIndex: partition, timestamp })),
      })),
    });
    const offsets = new Map(
      listed.flatMap(({ name, partitions: of }) =>
        of.map(({ partitionIndex, offset }) => [`${name}-${partitionIndex}`, offset] as const),
      ),
    );
    return partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      ...decoded(offsets.get(`${topic}-${partition}`)),
    }));
  }

  override [kGetApi]<Args extends unknown[], Response>(
    name: string,
    callback: (error: Error | null, api?: API<Args, Response>) => void,
  ): void {
    super[kGetApi]<Args, Response>(name, (error, api) => {
      callback(error, api && isPartial(name) ? (partial(api as never) as never) : api);
    });
  }
}

const isPartial = (name: string): boolean => name === 'Metadata' || name === 'ListOffsets';

type AnyApi = (connection: unknown, ...rest: unknown[]) => void;
type Callback = (error: Error | null, response?: unknown) => void;

interface ListedResponse {
  readonly topics: readonly { readonly partitions: readonly { errorCode: ErrorCode; offset?: bigint }[] }[];
}

/** A response in which only partitions have errors is no failure. */
function partial(api: AnyApi): AnyApi {
  const call: AnyApi = (connection, ...rest) => {
    const callback = rest.pop() as Callback;
    const whole: Callback = (error, response) => {
      if (!(error instanceof ResponseError) || !error.errors.every(({ path }) => isOfPartition(path)))
        return callback(error, response);
      const received = error['response'] as ListedResponse;
      for (const { partitions } of received.topics) for (const partition of partitions) encode(partition);
      callback(null, received);
    };
    api(connection, ...rest, whole);
  };
  return Object.assign(call, api);
}

const isOfPartition = (path: string): boolean => /^\/topics\/\d+\/partitions\/\d+$/.test(path);

/** The library passes offsets on and no error codes. No offset is below -2; an error code is -1 or more. */
const ERRORS_BELOW = -1_000n;

function encode(partition: { errorCode: ErrorCode; offset?: bigint }): void {
  if (partition.offset !== undefined && partition.errorCode !== ErrorCode.NONE)
    partition.offset = ERRORS_BELOW - BigInt(partition.errorCode);
}

function decoded(offset: bigint | undefined): Pick<PartitionOffset, 'offset' | 'error'> {
  if (offset === undefined) return { offset: undefined, error: errorName(ErrorCode.LEADER_NOT_AVAILABLE) };
  if (offset >= -2n) return { offset: Number(offset), error: undefined };
  return { offset: undefined, error: errorName(Number(ERRORS_BELOW - offset) as ErrorCode) };
}
