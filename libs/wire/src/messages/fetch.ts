// Reads record batches, for consumers and followers. v7 adds sessions (KIP-227), v9 the client's leader epoch
// (KIP-320), v10 zstd, v11 racks (KIP-392), v12 is flexible and detects divergence (KIP-595), v13 names topics by id
// (KIP-516), v15 moves the replica id into a tag (KIP-903), v16 hints at leaders (KIP-951), v18 has the follower's high
// watermark.
// The records of a response are written by reference if the writer gathers: they must not change until they are sent.
import { NO_BROKER, NO_LEADER_EPOCH, NO_OFFSET, Offset } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import {
  array,
  brokerId,
  errorCode,
  int8,
  int32,
  int64,
  leaderEpoch,
  long,
  offset,
  records,
  string,
  struct,
  uuid,
} from '../schema/field.ts';
import { currentLeader, nodeEndpoint, noErrorByDefault, nullableString, throttleTimeMs } from './parts.ts';

/** The decoded high watermark of a follower that does not send it: 2^63 - 1, saturated. */
export const HIGH_WATERMARK_NOT_TOLD = Offset(Number.MAX_SAFE_INTEGER);

const topic = { topic: string.until(12).ignorable(), topicId: uuid.since(13).ignorable() };

export const Fetch = api({
  key: 1,
  name: 'Fetch',
  versions: [4, 18],
  flexible: 12,
  request: {
    clusterId: nullableString.tag(0).since(12).ignorable(),
    replicaId: brokerId.default(NO_BROKER).until(14),
    replicaState: struct({ replicaId: brokerId.default(NO_BROKER), replicaEpoch: long.default(-1) })
      .tag(1)
      .since(15),
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32.default(0x7fffffff),
    isolationLevel: int8.default(0),
    sessionId: int32.default(0).since(7).ignorable(),
    sessionEpoch: int32.default(-1).since(7).ignorable(),
    topics: array({
      ...topic,
      partitions: array({
        partition: int32,
        currentLeaderEpoch: leaderEpoch.default(NO_LEADER_EPOCH).since(9).ignorable(),
        fetchOffset: offset,
        lastFetchedEpoch: leaderEpoch.default(NO_LEADER_EPOCH).since(12),
        logStartOffset: offset.default(NO_OFFSET).since(5).ignorable(),
        partitionMaxBytes: int32,
        replicaDirectoryId: uuid.tag(0).since(17).ignorable(),
        highWatermark: offset.default(HIGH_WATERMARK_NOT_TOLD).tag(1).since(18).ignorable(),
      }),
    }),
    forgottenTopicsData: array({ ...topic, partitions: array(int32) })
      .default([])
      .since(7),
    rackId: string.default('').since(11).ignorable(),
  },
  response: {
    throttleTimeMs,
    errorCode: noErrorByDefault.since(7),
    sessionId: int32.default(0).since(7),
    responses: array({
      ...topic,
      partitions: array({
        partitionIndex: int32,
        errorCode,
        highWatermark: offset,
        lastStableOffset: offset.default(NO_OFFSET),
        logStartOffset: offset.default(NO_OFFSET).since(5),
        divergingEpoch: struct({ epoch: leaderEpoch.default(NO_LEADER_EPOCH), endOffset: offset.default(NO_OFFSET) })
          .tag(0)
          .since(12),
        currentLeader: currentLeader.tag(1).since(12),
        snapshotId: struct({ endOffset: offset.default(NO_OFFSET), epoch: leaderEpoch.default(NO_LEADER_EPOCH) })
          .tag(2)
          .since(12),
        abortedTransactions: array({ producerId: int64, firstOffset: offset }).nullable(),
        preferredReadReplica: brokerId.default(NO_BROKER).since(11),
        records,
      }),
    }),
    nodeEndpoints: array(nodeEndpoint).tag(0).since(16),
  },
});
export type FetchRequest = RequestOf<typeof Fetch>;
export type FetchResponse = ResponseOf<typeof Fetch>;
