// Offsets by time, or by one of the names below. v2 adds the isolation level (the latest offset is then the last stable
// one), v4 leader epochs (KIP-320), v6 is flexible, v7 has MAX_TIMESTAMP (KIP-734), v8 EARLIEST_LOCAL (KIP-405), v9
// LATEST_TIERED (KIP-1005), v10 a timeout (KIP-1075), v11 EARLIEST_PENDING_UPLOAD (KIP-1023).
// Version 0 returned a list of offsets; it was removed.
import { NO_LEADER_EPOCH, NO_OFFSET, NO_TIMESTAMP, Timestamp } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, brokerId, errorCode, int8, int32, leaderEpoch, offset, string, timestamp } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

/** Values in place of a timestamp. */
export const ListOffsetsTime = {
  LATEST: Timestamp(-1),
  EARLIEST: Timestamp(-2),
  MAX_TIMESTAMP: Timestamp(-3),
  EARLIEST_LOCAL: Timestamp(-4),
  LATEST_TIERED: Timestamp(-5),
  EARLIEST_PENDING_UPLOAD: Timestamp(-6),
} as const;

export const ListOffsets = api({
  key: 2,
  name: 'ListOffsets',
  versions: [1, 11],
  flexible: 6,
  request: {
    replicaId: brokerId,
    isolationLevel: int8.default(0).since(2),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        currentLeaderEpoch: leaderEpoch.default(NO_LEADER_EPOCH).since(4).ignorable(),
        timestamp,
      }),
    }),
    timeoutMs: int32.default(0).since(10).ignorable(),
  },
  response: {
    throttleTimeMs: throttleTimeMs.since(2),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode,
        timestamp: timestamp.default(NO_TIMESTAMP),
        offset: offset.default(NO_OFFSET),
        leaderEpoch: leaderEpoch.default(NO_LEADER_EPOCH).since(4),
      }),
    }),
  },
});
export type ListOffsetsRequest = RequestOf<typeof ListOffsets>;
export type ListOffsetsResponse = ResponseOf<typeof ListOffsets>;
