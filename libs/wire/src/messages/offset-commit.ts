// Stores the offsets that a group has reached. v2 to v4 carry a retention time, since v5 only the broker's setting
// applies (KIP-211); v6 adds leader epochs (KIP-320), v7 static members (KIP-345), v8 is flexible, v9 serves KIP-848
// groups too (the generation is then the member's epoch), v10 names topics by id. Versions 0 and 1 were removed.
import { NO_LEADER_EPOCH } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int32, leaderEpoch, long, offset, string, uuid } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

const topic = { name: string.until(9).ignorable(), topicId: uuid.since(10).ignorable() };

export const OffsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  versions: [2, 10],
  flexible: 8,
  request: {
    groupId: string,
    generationIdOrMemberEpoch: int32.default(-1),
    memberId: string,
    groupInstanceId: nullableString.since(7),
    retentionTimeMs: long.default(-1).until(4).ignorable(),
    topics: array({
      ...topic,
      partitions: array({
        partitionIndex: int32,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch.default(NO_LEADER_EPOCH).since(6).ignorable(),
        committedMetadata: string.nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: throttleTimeMs.since(3),
    topics: array({ ...topic, partitions: array({ partitionIndex: int32, errorCode }) }),
  },
});
export type OffsetCommitRequest = RequestOf<typeof OffsetCommit>;
export type OffsetCommitResponse = ResponseOf<typeof OffsetCommit>;
