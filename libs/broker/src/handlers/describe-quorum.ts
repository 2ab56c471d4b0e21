// DescribeQuorum, versions 0 to 2: the controller and those that follow the metadata. The metadata lives in PostgreSQL, which
// does the voting, so the quorum has one voter: the controller, in its epoch, at the version that this broker serves. The other
// brokers that are alive observe. Without a controller the leader is -1. Anything but partition 0 of __cluster_metadata is
// UNKNOWN_TOPIC_OR_PARTITION.
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
import { aliveBrokers, livingController } from '@milepost/metadata';
import { DescribeQuorum } from '@milepost/wire';
import { addressOf } from '../access.ts';
import type { Context } from '../services.ts';
import { DESCRIBE_CLUSTER } from '../security/needs.ts';
import { handler } from './handler.ts';

const METADATA_TOPIC = '__cluster_metadata';
const LISTENER = 'PLAINTEXT';

export const describeQuorum = handler(DescribeQuorum, [DESCRIBE_CLUSTER], ({ topics }, context) => {
  const refused = context.permissions.refusal(DESCRIBE_CLUSTER);
  if (refused) {
    context.count(refused.error);
    return { errorCode: refused.error, errorMessage: refused.message, topics: [], nodes: [] };
  }
  const image = context.services.image();
  return {
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) =>
        topicName === METADATA_TOPIC && partitionIndex === 0 ? quorum(context) : unknown(partitionIndex, context),
      ),
    })),
    nodes: aliveBrokers(image).map((broker) => ({
      nodeId: broker.id,
      listeners: [{ name: LISTENER, ...addressOf(context, broker) }],
    })),
  };
});

function quorum({ services }: Context) {
  const image = services.image();
  const { version } = image;
  const leaderId = livingController(image);
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
    leaderId,
    leaderEpoch: LeaderEpoch(image.controller.epoch),
    highWatermark: Offset(version),
    currentVoters: leaderId === NO_BROKER ? [] : [replica(leaderId)],
    observers: aliveBrokers(image)
      .filter(({ id }) => id !== leaderId)
      .map(({ id }) => replica(id)),
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
