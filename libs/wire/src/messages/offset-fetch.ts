// The committed offsets of groups. v2 lets null mean all topics and has an error for the whole response, v5 adds leader
// epochs, v6 is flexible, v7 can require stable offsets (KIP-447), v8 takes many groups (KIP-709), v9 serves KIP-848
// members, v10 names topics by id. Up to v7 one group at the top level, from v8 a list. Version 0 read from ZooKeeper
// and was removed.
import { NO_LEADER_EPOCH } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, int32, leaderEpoch, offset, string, uuid } from '../schema/field.ts';
import { noErrorByDefault, nullableString, throttleTimeMs } from './parts.ts';

const topic = { name: string.until(9).ignorable(), topicId: uuid.since(10).ignorable() };

const committed = {
  partitionIndex: int32,
  committedOffset: offset,
  committedLeaderEpoch: leaderEpoch.default(NO_LEADER_EPOCH).since(5),
  metadata: string.nullable(),
  errorCode,
};

export const OffsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  versions: [1, 10],
  flexible: 6,
  request: {
    groupId: string.until(7),
    topics: array({ name: string, partitionIndexes: array(int32) })
      .nullable(2)
      .until(7),
    groups: array({
      groupId: string,
      memberId: nullableString.since(9).ignorable(),
      memberEpoch: int32.default(-1).since(9).ignorable(),
      topics: array({ ...topic, partitionIndexes: array(int32) }).nullable(),
    }).since(8),
    requireStable: bool.default(false).since(7),
  },
  response: {
    throttleTimeMs: throttleTimeMs.since(3),
    topics: array({ name: string, partitions: array(committed) }).until(7),
    errorCode: noErrorByDefault.since(2).until(7),
    groups: array({
      groupId: string,
      topics: array({ ...topic, partitions: array(committed) }),
      errorCode: noErrorByDefault,
    }).since(8),
  },
});
export type OffsetFetchRequest = RequestOf<typeof OffsetFetch>;
export type OffsetFetchResponse = ResponseOf<typeof OffsetFetch>;
