// The voters on the metadata, and their progress (KIP-595). v1 adds times (KIP-836), v2 directories, nodes and messages
// (KIP-853). Flexible from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import {
  array,
  brokerId,
  errorCode,
  int32,
  leaderEpoch,
  offset,
  string,
  timestamp,
  uint16,
  uuid,
} from '../schema/field.ts';
import { NO_TIMESTAMP } from '@milepost/core';
import { noErrorByDefault, nullableString } from './parts.ts';

const replica = {
  replicaId: brokerId,
  replicaDirectoryId: uuid.since(2),
  logEndOffset: offset,
  lastFetchTimestamp: timestamp.default(NO_TIMESTAMP).since(1),
  lastCaughtUpTimestamp: timestamp.default(NO_TIMESTAMP).since(1),
};

export const DescribeQuorum = api({
  key: 55,
  name: 'DescribeQuorum',
  versions: [0, 2],
  flexible: 0,
  request: { topics: array({ topicName: string, partitions: array({ partitionIndex: int32 }) }) },
  response: {
    errorCode: noErrorByDefault,
    errorMessage: nullableString.since(2),
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        errorCode,
        errorMessage: nullableString.since(2),
        leaderId: brokerId,
        leaderEpoch,
        highWatermark: offset,
        currentVoters: array(replica),
        observers: array(replica),
      }),
    }),
    nodes: array({
      nodeId: brokerId,
      listeners: array({ name: string, host: string, port: uint16 }),
    }).since(2),
  },
});
export type DescribeQuorumRequest = RequestOf<typeof DescribeQuorum>;
export type DescribeQuorumResponse = ResponseOf<typeof DescribeQuorum>;
