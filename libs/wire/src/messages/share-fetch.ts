// Acquires records of share partitions, and acknowledges those of earlier fetches (KIP-932). v2 adds the acquire mode
// (KIP-1206) and renewals (KIP-1222). Version 0 was an early access. Flexible from the start.
// The records of a response are written by reference if the writer gathers: they must not change until they are sent.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, int16, int32, int8, offset, records, string, uuid } from '../schema/field.ts';
import { acknowledgementBatches, currentLeader, nodeEndpoint, noErrorByDefault, nullableString } from './parts.ts';
import { throttleTimeMs } from './parts.ts';

/** What a consumer says of records that it has acquired. */
export const AcknowledgeType = { GAP: 0, ACCEPT: 1, RELEASE: 2, REJECT: 3, RENEW: 4 } as const;

/** `BATCH_OPTIMIZED` may exceed the number of records, to acquire whole batches. */
export const ShareAcquireMode = { BATCH_OPTIMIZED: 0, RECORD_LIMIT: 1 } as const;

export const ShareFetch = api({
  key: 78,
  name: 'ShareFetch',
  versions: [1, 2],
  flexible: 0,
  request: {
    groupId: nullableString,
    memberId: string.nullable(),
    shareSessionEpoch: int32,
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32.default(0x7fffffff),
    maxRecords: int32,
    batchSize: int32,
    shareAcquireMode: int8.default(ShareAcquireMode.BATCH_OPTIMIZED).since(2).ignorable(),
    isRenewAck: bool.default(false).since(2),
    topics: array({
      topicId: uuid,
      partitions: array({ partitionIndex: int32, acknowledgementBatches }),
    }),
    forgottenTopicsData: array({ topicId: uuid, partitions: array(int32) }),
  },
  response: {
    throttleTimeMs,
    errorCode: noErrorByDefault,
    errorMessage: nullableString,
    acquisitionLockTimeoutMs: int32.default(0),
    responses: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        errorCode,
        errorMessage: nullableString,
        acknowledgeErrorCode: noErrorByDefault,
        acknowledgeErrorMessage: nullableString,
        currentLeader,
        records,
        acquiredRecords: array({ firstOffset: offset, lastOffset: offset, deliveryCount: int16 }),
      }),
    }),
    nodeEndpoints: array(nodeEndpoint).default([]),
  },
});
export type ShareFetchRequest = RequestOf<typeof ShareFetch>;
export type ShareFetchResponse = ResponseOf<typeof ShareFetch>;
