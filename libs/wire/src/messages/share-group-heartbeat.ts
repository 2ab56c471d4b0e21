// Joins, stays in, changes and leaves a share group (KIP-932). Null in the request means "unchanged". Version 0 was an early
// access that Kafka has removed. Flexible from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int32, string, struct, uuid } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

const topicPartitions = array({ topicId: uuid, partitions: array(int32) });

export const ShareGroupHeartbeat = api({
  key: 76,
  name: 'ShareGroupHeartbeat',
  versions: [1, 1],
  flexible: 0,
  request: {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    rackId: nullableString,
    subscribedTopicNames: array(string).nullable().default(null),
  },
  response: {
    throttleTimeMs,
    errorCode,
    errorMessage: nullableString,
    memberId: nullableString,
    memberEpoch: int32.default(0),
    heartbeatIntervalMs: int32.default(0),
    assignment: struct({ topicPartitions }).nullable().default(null),
  },
});
export type ShareGroupHeartbeatRequest = RequestOf<typeof ShareGroupHeartbeat>;
export type ShareGroupHeartbeatResponse = ResponseOf<typeof ShareGroupHeartbeat>;
