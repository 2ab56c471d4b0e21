// Joins, stays in, changes and leaves a consumer group whose assignment the broker computes (KIP-848): one API for all
// of it. Null or -1 in the request means "unchanged". v1 adds regular expressions. Flexible from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int32, string, struct, uuid } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

const topicPartitions = array({ topicId: uuid, partitions: array(int32) });

export const ConsumerGroupHeartbeat = api({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: [0, 1],
  flexible: 0,
  request: {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    instanceId: nullableString,
    rackId: nullableString,
    rebalanceTimeoutMs: int32.default(-1),
    subscribedTopicNames: array(string).nullable().default(null),
    subscribedTopicRegex: nullableString.since(1),
    serverAssignor: nullableString,
    topicPartitions: topicPartitions.nullable().default(null),
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
export type ConsumerGroupHeartbeatRequest = RequestOf<typeof ConsumerGroupHeartbeat>;
export type ConsumerGroupHeartbeatResponse = ResponseOf<typeof ConsumerGroupHeartbeat>;
