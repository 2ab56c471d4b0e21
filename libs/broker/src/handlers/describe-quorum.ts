// DescribeQuorum, versions 0 to 2: the voters of the metadata. The metadata lives in PostgreSQL and this broker writes
// it, so the quorum has one voter: this broker, at the version of the metadata that it serves, since its registration.
// The other brokers are observers. Anything but partition 0 of __cluster_metadata is UNKNOWN_TOPIC_OR_PARTITION.
import {
  type BrokerId,
  ErrorCode,
  LeaderEpoch,
  NO_BROKER,
  NO_LEADER_EPOCH,
  Offset,
  Timestamp,
  ZERO_UUID,
} from '@milepost/core';
import { DescribeQuorum } from '@milepost/wire';
import type { Context } from '../services.ts';
import { handler } from './handler.ts';

const METADATA_TOPIC = '__cluster_metadata';
const LISTENER = 'PLAINTEXT';

export const describeQuorum = handler(DescribeQuorum, ({ topics }, context) => {
  const { brokers } = context.services.image();
  return {
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) =>
        topicName === METADATA_TOPIC && partitionIndex === 0 ? quorum(context) : unknown(partitionIndex, context),
      ),
    })),
    nodes: [...brokers.values()].map(({ id, host, port }) => ({
      nodeId: id,
      listeners: [{ name: LISTENER, host, port }],
    })),
  };
});

function quorum({ services }: Context) {
  const { brokerId } = services.config;
  const { brokers, version } = services.image();
  const now = Timestamp(services.host.clock.now());
  const replica = (replicaId: BrokerId) => ({
    replicaId,
    replicaDirectoryId: ZERO_UUID,
    logEndOffset: Offset(version),
    lastFetchTimestamp: now,
    lastCaughtUpTimestamp: now,
  });
  return {
    partitionIndex: 0,
    errorCode: ErrorCode.NONE,
    leaderId: brokerId,
    leaderEpoch: LeaderEpoch(brokers.get(brokerId)?.epoch ?? 0),
    highWatermark: Offset(version),
    currentVoters: [replica(brokerId)],
    observers: [...brokers.keys()].filter((id) => id !== brokerId).map(replica),
  };
}

function unknown(partitionIndex: number, { count }: Context) {
  count(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  return {
    partitionIndex,
    errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    leaderId: NO_BROKER,
    leaderEpoch: NO_LEADER_EPOCH,
    highWatermark: Offset(-1),
    currentVoters: [],
    observers: [],
  };
}
