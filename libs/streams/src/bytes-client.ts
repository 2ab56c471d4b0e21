// The library's consumer, with the responses to Fetch and ListOffsets decoded by us. Batches remain bytes, and no
// record is parsed before it is used: the library copies each field of each record into its own buffer, including
// unused headers. A partition whose data cannot be read does not fail the response for the others: the library throws,
// and its stream ends.
import { ByteReader, ErrorCode } from '@milepost/core';
import { batchesOf, type RecordBatch } from '@milepost/records';
import { Fetch, ListOffsets } from '@milepost/wire';
import {
  type API,
  Consumer,
  kGetApi,
  type KafkaRecord,
  type Reader,
  type RecordsBatch,
  ResponseError,
} from '@platformatic/kafka';
import { concernsOnePartition } from './failed-partitions.ts';
import { withCodec } from './rewired.ts';

export type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>;
type Partition = FetchResponse['responses'][number]['partitions'][number];

/** Without records for the library, except for the markers of transactions, by which it skips aborted records. */
export interface FetchedBatch extends RecordsBatch {
  readonly whole: RecordBatch;
}

export class BytesClient extends Consumer {
  override [kGetApi]<Args extends unknown[], Response>(
    name: string,
    callback: (error: Error | null, api?: API<Args, Response>) => void,
  ): void {
    super[kGetApi]<Args, Response>(name, (error, api) => {
      const read = readers[name];
      callback(error, api && read ? (withCodec(api as never, { read }) as never) : api);
    });
  }
}

const readers: Readonly<Record<string, typeof readFetchResponse | typeof readListOffsetsResponse>> = {
  Fetch: readFetchResponse,
  ListOffsets: readListOffsetsResponse,
};

/**
 * In the library's shape. A partition whose data cannot be read has its error code and no records.
 * @throws ResponseError for every other error, as the library does.
 */
function readFetchResponse(key: number, version: number, reader: Reader): FetchResponse {
  const { errorCode, responses, sessionId, throttleTimeMs } = Fetch.response(version).read(bytesOf(reader));
  const errors: Errors = errorCode === ErrorCode.NONE ? {} : { '': [errorCode, null] };
  const response: FetchResponse = {
    throttleTimeMs,
    errorCode,
    sessionId,
    responses: responses.map(({ topic, topicId, partitions }, at) => ({
      topicId: version >= FIRST_WITH_TOPIC_IDS ? topicId : topic, // the form that the library expects
      partitions: partitions.map((partition, place) => {
        note(errors, `/responses/${at}/partitions/${place}`, partition.errorCode);
        return fetchedPartition(partition);
      }),
    })),
    nodeEndpoints: [],
  };
  if (Object.keys(errors).length > 0) throw new ResponseError(key, version, errors, response);
  return response;
}

/** The offset of a partition whose data cannot be read; -1 means that there is no such record. */
export const UNKNOWN_OFFSET = -2n;

/** Likewise: a partition whose data cannot be read has UNKNOWN_OFFSET. */
function readListOffsetsResponse(key: number, version: number, reader: Reader): unknown {
  const { throttleTimeMs, topics } = ListOffsets.response(version).read(bytesOf(reader));
  const errors: Errors = {};
  const response = {
    throttleTimeMs,
    topics: topics.map(({ name, partitions }, at) => ({
      name,
      partitions: partitions.map(({ partitionIndex, errorCode, timestamp, offset, leaderEpoch }, place) => {
        note(errors, `/topics/${at}/partitions/${place}`, errorCode);
        const known = errorCode === ErrorCode.NONE ? BigInt(offset) : UNKNOWN_OFFSET;
        return { partitionIndex, errorCode, timestamp: BigInt(timestamp), offset: known, leaderEpoch };
      }),
    })),
  };
  if (Object.keys(errors).length > 0) throw new ResponseError(key, version, errors, response);
  return response;
}

/** By the path in the response, as the library expects them. */
type Errors = Record<string, [number, null]>;

function note(errors: Errors, path: string, errorCode: ErrorCode): void {
  if (errorCode !== ErrorCode.NONE && !concernsOnePartition(errorCode)) errors[path] = [errorCode, null];
}

const bytesOf = (reader: Reader): ByteReader => new ByteReader(reader.buffer.slice(reader.position, reader.length));

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
    records: records === null || errorCode !== ErrorCode.NONE ? null : Array.from(batchesOf(records), fetchedBatch),
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
