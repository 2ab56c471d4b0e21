// The library's consumer, with its answers to Fetch read by us: batches keep their bytes, and no record is parsed before
// somebody wants it. The library reads each field of each record into a buffer of its own, headers that nobody asks for too.
import { ByteReader } from '@milepost/core';
import { batchesOf, type RecordBatch } from '@milepost/records';
import { Fetch } from '@milepost/wire';
import {
  type API,
  Consumer,
  kGetApi,
  type KafkaRecord,
  type Reader,
  type RecordsBatch,
  ResponseError,
} from '@platformatic/kafka';
import { withParser } from './rewired.ts';

export type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;
type Partition = FetchResponse['responses'][number]['partitions'][number];

/** Without records for the library, but for the markers of transactions, by which it leaves out what was aborted. */
export interface FetchedBatch extends RecordsBatch {
  readonly whole: RecordBatch;
}

export class BytesClient extends Consumer {
  override [kGetApi]<Args extends unknown[], Response>(
    name: string,
    callback: (error: Error | null, api?: API<Args, Response>) => void,
  ): void {
    super[kGetApi]<Args, Response>(name, (error, api) => {
      const isOurs = name === 'Fetch' && api !== undefined;
      callback(error, isOurs ? (withParser(api as never, readFetchResponse) as never) : api);
    });
  }
}

/** Into the library's shape. @throws ResponseError, as it does, when any partition could not be fetched. */
function readFetchResponse(_correlationId: number, apiKey: number, version: number, reader: Reader): FetchResponse {
  const bytes = reader.buffer.slice(reader.position, reader.length);
  const { errorCode, responses, sessionId, throttleTimeMs } = Fetch.response(version).read(new ByteReader(bytes));
  const errors: Record<string, [number, null]> = errorCode === 0 ? {} : { '': [errorCode, null] };
  const response: FetchResponse = {
    throttleTimeMs,
    errorCode,
    sessionId,
    responses: responses.map(({ topic, topicId, partitions }, at) => ({
      topicId: version >= FIRST_WITH_TOPIC_IDS ? topicId : topic, // as the library wants it
      partitions: partitions.map((partition, place) => {
        if (partition.errorCode !== 0) errors[`/responses/${at}/partitions/${place}`] = [partition.errorCode, null];
        return fetchedPartition(partition);
      }),
    })),
    nodeEndpoints: [],
  };
  if (Object.keys(errors).length > 0) throw new ResponseError(apiKey, version, errors, response);
  return response;
}

const FIRST_WITH_TOPIC_IDS = 13;

type Read = ReturnType<ReturnType<typeof Fetch.response>['read']>['responses'][number]['partitions'][number];

function fetchedPartition(read: Read): Partition {
  const { partitionIndex, errorCode, preferredReadReplica, records, abortedTransactions } = read;
  return {
    partitionIndex,
    errorCode,
    highWatermark: BigInt(read.highWatermark),
    lastStableOffset: BigInt(read.lastStableOffset),
    logStartOffset: BigInt(read.logStartOffset),
    abortedTransactions:
      abortedTransactions?.map(({ producerId, firstOffset }) => ({ producerId, firstOffset: BigInt(firstOffset) })) ??
      null,
    preferredReadReplica,
    records: records === null ? null : Array.from(batchesOf(records), fetchedBatch),
  };
}

function fetchedBatch(whole: RecordBatch): FetchedBatch {
  return {
    whole,
    firstOffset: BigInt(whole.baseOffset),
    length: whole.sizeBytes,
    partitionLeaderEpoch: whole.leaderEpoch,
    magic: whole.magic,
    crc: whole.crc,
    attributes: whole.attributes,
    lastOffsetDelta: whole.lastOffsetDelta,
    firstTimestamp: BigInt(whole.baseTimestamp),
    maxTimestamp: BigInt(whole.maxTimestamp),
    producerId: whole.producerId,
    producerEpoch: whole.producerEpoch,
    firstSequence: whole.baseSequence,
    records: whole.isControl ? Array.from(whole.records(), ({ key }) => ({ key }) as KafkaRecord) : [],
  };
}
