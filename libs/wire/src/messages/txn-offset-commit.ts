// Commits offsets that apply once their transaction commits. v2 adds leader epochs, v3 is flexible and fences by the
// member (KIP-447), v4 has TRANSACTION_ABORTABLE, v5 adds the group to the transaction (KIP-890).
import { NO_LEADER_EPOCH } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int16, int32, int64, leaderEpoch, offset, string } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

export const TxnOffsetCommit = api({
  key: 28,
  name: 'TxnOffsetCommit',
  versions: [0, 5],
  flexible: 3,
  request: {
    transactionalId: string,
    groupId: string,
    producerId: int64,
    producerEpoch: int16,
    generationId: int32.default(-1).since(3),
    memberId: string.default('').since(3),
    groupInstanceId: nullableString.since(3),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch.default(NO_LEADER_EPOCH).since(2).ignorable(),
        committedMetadata: string.nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs,
    topics: array({ name: string, partitions: array({ partitionIndex: int32, errorCode }) }),
  },
});
export type TxnOffsetCommitRequest = RequestOf<typeof TxnOffsetCommit>;
export type TxnOffsetCommitResponse = ResponseOf<typeof TxnOffsetCommit>;
