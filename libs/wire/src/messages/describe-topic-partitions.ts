// Metadata page by page, for topics with very many partitions (KIP-966). Flexible from the start.
import { NO_LEADER_EPOCH } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, brokerId, errorCode, int32, leaderEpoch, string, struct, uuid } from '../schema/field.ts';
import { authorizedOperations, throttleTimeMs } from './parts.ts';

const cursor = struct({ topicName: string, partitionIndex: int32 }).nullable().default(null);
const replicas = array(brokerId);

export const DescribeTopicPartitions = api({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: [0, 0],
  flexible: 0,
  request: { topics: array({ name: string }), responsePartitionLimit: int32.default(2000), cursor },
  response: {
    throttleTimeMs,
    topics: array({
      errorCode,
      name: string.nullable(),
      topicId: uuid,
      isInternal: bool.default(false),
      partitions: array({
        errorCode,
        partitionIndex: int32,
        leaderId: brokerId,
        leaderEpoch: leaderEpoch.default(NO_LEADER_EPOCH),
        replicaNodes: replicas,
        isrNodes: replicas,
        eligibleLeaderReplicas: replicas.nullable().default(null),
        lastKnownElr: replicas.nullable().default(null),
        offlineReplicas: replicas.default([]),
      }),
      topicAuthorizedOperations: authorizedOperations,
    }),
    nextCursor: cursor,
  },
});
export type DescribeTopicPartitionsRequest = RequestOf<typeof DescribeTopicPartitions>;
export type DescribeTopicPartitionsResponse = ResponseOf<typeof DescribeTopicPartitions>;
