// Acknowledges acquired records without a fetch (KIP-932). v2 adds renewals (KIP-1222). Version 0 was an early access. Flexible
// from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, int32, string, uuid } from '../schema/field.ts';
import { acknowledgementBatches, currentLeader, nodeEndpoint, noErrorByDefault, nullableString } from './parts.ts';
import { throttleTimeMs } from './parts.ts';

export const ShareAcknowledge = api({
  key: 79,
  name: 'ShareAcknowledge',
  versions: [1, 2],
  flexible: 0,
  request: {
    groupId: nullableString,
    memberId: string.nullable(),
    shareSessionEpoch: int32,
    isRenewAck: bool.default(false).since(2),
    topics: array({
      topicId: uuid,
      partitions: array({ partitionIndex: int32, acknowledgementBatches }),
    }),
  },
  response: {
    throttleTimeMs,
    errorCode: noErrorByDefault,
    errorMessage: nullableString,
    acquisitionLockTimeoutMs: int32.default(0).since(2),
    responses: array({
      topicId: uuid,
      partitions: array({ partitionIndex: int32, errorCode, errorMessage: nullableString, currentLeader }),
    }),
    nodeEndpoints: array(nodeEndpoint).default([]),
  },
});
export type ShareAcknowledgeRequest = RequestOf<typeof ShareAcknowledge>;
export type ShareAcknowledgeResponse = ResponseOf<typeof ShareAcknowledge>;
