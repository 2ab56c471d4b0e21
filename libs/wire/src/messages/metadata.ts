// The leaders of partitions. v0: no topics means all; v1+: null means all, none means none. v4 lets the client forbid
// auto-creation, v7 adds leader epochs (KIP-320), v8 authorized operations (KIP-430), v9 is flexible, v10 adds topic
// ids (KIP-516), v12 lets topics be requested by id alone, v13 has an error for the whole response (KIP-1102).
import { NO_BROKER, NO_LEADER_EPOCH } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, brokerId, errorCode, int32, leaderEpoch, string, uuid } from '../schema/field.ts';
import { authorizedOperations, noErrorByDefault, nodeEndpoint, nullableString, throttleTimeMs } from './parts.ts';

export const Metadata = api({
  key: 3,
  name: 'Metadata',
  versions: [0, 13],
  flexible: 9,
  request: {
    topics: array({ topicId: uuid.since(10).ignorable(), name: string.nullable(10) }).nullable(1),
    allowAutoTopicCreation: bool.default(true).since(4),
    includeClusterAuthorizedOperations: bool.default(false).since(8).until(10),
    includeTopicAuthorizedOperations: bool.default(false).since(8),
  },
  response: {
    throttleTimeMs: throttleTimeMs.since(3),
    brokers: array({ ...nodeEndpoint, rack: nullableString.since(1) }),
    clusterId: nullableString.since(2),
    controllerId: brokerId.default(NO_BROKER).since(1),
    topics: array({
      errorCode,
      name: string.nullable(12),
      topicId: uuid.since(10),
      isInternal: bool.default(false).since(1),
      partitions: array({
        errorCode,
        partitionIndex: int32,
        leaderId: brokerId,
        leaderEpoch: leaderEpoch.default(NO_LEADER_EPOCH).since(7),
        replicaNodes: array(brokerId),
        isrNodes: array(brokerId),
        offlineReplicas: array(brokerId).default([]).since(5),
      }),
      topicAuthorizedOperations: authorizedOperations.since(8),
    }),
    clusterAuthorizedOperations: authorizedOperations.since(8).until(10),
    errorCode: noErrorByDefault.since(13),
  },
});
export type MetadataRequest = RequestOf<typeof Metadata>;
export type MetadataResponse = ResponseOf<typeof Metadata>;
