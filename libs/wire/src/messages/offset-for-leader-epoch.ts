// The end of a leader epoch in this log, by which a client or follower detects a truncation (KIP-101, KIP-320). v3
// names the replica of the request, v4 is flexible. Versions 0 and 1 were removed.
import { BrokerId, NO_LEADER_EPOCH, NO_OFFSET } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, brokerId, errorCode, int32, leaderEpoch, offset, string } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

/** A consumer that may read past the high watermark; the default of a request without the field. */
export const DEBUGGING_CONSUMER = BrokerId(-2);

export const OffsetForLeaderEpoch = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: [2, 4],
  flexible: 4,
  request: {
    replicaId: brokerId.default(DEBUGGING_CONSUMER).since(3).ignorable(),
    topics: array({
      topic: string,
      partitions: array({
        partition: int32,
        currentLeaderEpoch: leaderEpoch.default(NO_LEADER_EPOCH),
        leaderEpoch,
      }),
    }),
  },
  response: {
    throttleTimeMs,
    topics: array({
      topic: string,
      partitions: array({
        errorCode,
        partition: int32,
        leaderEpoch: leaderEpoch.default(NO_LEADER_EPOCH),
        endOffset: offset.default(NO_OFFSET),
      }),
    }),
  },
});
export type OffsetForLeaderEpochRequest = RequestOf<typeof OffsetForLeaderEpoch>;
export type OffsetForLeaderEpochResponse = ResponseOf<typeof OffsetForLeaderEpoch>;
