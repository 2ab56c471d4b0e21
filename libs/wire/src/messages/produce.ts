// Appends record batches. v7 allows zstd (KIP-110), v8 names invalid records (KIP-467), v9 is flexible, v10 hints at
// the new leader (KIP-951), v11 has TRANSACTION_ABORTABLE, v12 adds partitions to the transaction (KIP-890), v13 names
// topics by id (KIP-516).
// Versions 0 to 2 carry older record formats and are refused, yet a broker advertises them: librdkafka before 2.11.1
// silently stops compressing if the lowest advertised version is above them.
import { NO_OFFSET, NO_TIMESTAMP } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int16, int32, offset, records, string, timestamp, uuid } from '../schema/field.ts';
import { currentLeader, nodeEndpoint, nullableString, throttleTimeMs } from './parts.ts';

const topic = { name: string.until(12).ignorable(), topicId: uuid.since(13).ignorable() };

export const Produce = api({
  key: 0,
  name: 'Produce',
  versions: [3, 13],
  flexible: 9,
  request: {
    transactionalId: nullableString,
    acks: int16,
    timeoutMs: int32,
    topicData: array({ ...topic, partitionData: array({ index: int32, records }) }),
  },
  response: {
    responses: array({
      ...topic,
      partitionResponses: array({
        index: int32,
        errorCode,
        baseOffset: offset,
        logAppendTimeMs: timestamp.default(NO_TIMESTAMP),
        logStartOffset: offset.default(NO_OFFSET).since(5),
        recordErrors: array({ batchIndex: int32, batchIndexErrorMessage: nullableString }).default([]).since(8),
        errorMessage: nullableString.since(8),
        currentLeader: currentLeader.tag(0).since(10),
      }),
    }),
    throttleTimeMs,
    nodeEndpoints: array(nodeEndpoint).tag(0).since(10),
  },
});
export type ProduceRequest = RequestOf<typeof Produce>;
export type ProduceResponse = ResponseOf<typeof Produce>;
