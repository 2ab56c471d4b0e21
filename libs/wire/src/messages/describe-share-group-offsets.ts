// Where share groups are in their partitions (KIP-932). v1 adds the lag (KIP-1226). Flexible from the start.
import { LeaderEpoch } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, int32, leaderEpoch, long, string, uuid } from '../schema/field.ts';
import { noErrorByDefault, nullableString, throttleTimeMs } from './parts.ts';

export const DescribeShareGroupOffsets = api({
  key: 90,
  name: 'DescribeShareGroupOffsets',
  versions: [0, 1],
  flexible: 0,
  request: {
    groups: array({
      groupId: string,
      /** Null: all that the group has. */
      topics: array({ topicName: string, partitions: array(int32) }).nullable(),
    }),
  },
  response: {
    throttleTimeMs,
    groups: array({
      groupId: string,
      topics: array({
        topicName: string,
        topicId: uuid,
        partitions: array({
          partitionIndex: int32,
          /** -1: not chosen yet. */
          startOffset: long,
          leaderEpoch: leaderEpoch.default(LeaderEpoch(0)),
          lag: long.default(-1).since(1).ignorable(),
          errorCode: noErrorByDefault,
          errorMessage: nullableString,
        }),
      }),
      errorCode: noErrorByDefault,
      errorMessage: nullableString,
    }),
  },
});
export type DescribeShareGroupOffsetsRequest = RequestOf<typeof DescribeShareGroupOffsets>;
export type DescribeShareGroupOffsetsResponse = ResponseOf<typeof DescribeShareGroupOffsets>;
