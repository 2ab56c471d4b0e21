// The content of `__consumer_offsets`, in Kafka 4.3's own format: committed offsets, classic groups, and groups of the
// consumer protocol (KIP-848), one record for each of their parts.
import {
  array,
  bytes,
  int32,
  int64,
  int8,
  leaderEpoch,
  offset,
  string,
  struct,
  timestamp,
  uuid,
} from '../schema/field.ts';
import { persisted } from '../schema/persisted.ts';

/** v1 alone has its own expiry time; v4 is flexible and has the topic's id. */
export const OffsetCommitRecord = persisted({
  type: 1,
  name: 'OffsetCommit',
  versions: [0, 4],
  flexible: 4,
  key: { group: string, topic: string, partition: int32 },
  value: {
    offset,
    leaderEpoch: leaderEpoch.default(-1 as never).since(3),
    metadata: string,
    commitTimestamp: timestamp,
    expireTimestamp: timestamp
      .default(-1 as never)
      .since(1)
      .until(1),
    topicId: uuid.since(4).tag(0),
  },
});

export const GroupMetadataRecord = persisted({
  type: 2,
  name: 'GroupMetadata',
  versions: [0, 4],
  flexible: 4,
  key: { group: string },
  value: {
    protocolType: string,
    generation: int32,
    protocol: string.nullable(),
    leader: string.nullable(),
    currentStateTimestamp: timestamp.default(-1 as never).since(2),
    members: array({
      memberId: string,
      groupInstanceId: string.nullable().default(null).since(3),
      clientId: string,
      clientHost: string,
      rebalanceTimeout: int32.default(-1).since(1),
      sessionTimeout: int32,
      subscription: bytes,
      assignment: bytes,
    }),
  },
});

const ofGroup = { groupId: string };
const ofMember = { groupId: string, memberId: string };
const flexible = { versions: [0, 0], flexible: 0 } as const;

export const ConsumerGroupMetadataRecord = persisted({
  type: 3,
  name: 'ConsumerGroupMetadata',
  ...flexible,
  key: ofGroup,
  value: { epoch: int32, metadataHash: int64.default(0n).tag(0) },
});

export const ConsumerGroupMemberMetadataRecord = persisted({
  type: 5,
  name: 'ConsumerGroupMemberMetadata',
  ...flexible,
  key: ofMember,
  value: {
    instanceId: string.nullable(),
    rackId: string.nullable(),
    clientId: string,
    clientHost: string,
    subscribedTopicNames: array(string),
    subscribedTopicRegex: string.nullable(),
    rebalanceTimeoutMs: int32.default(-1),
    serverAssignor: string.nullable(),
    /** Of a member with the classic protocol in a group of the consumer protocol. */
    classicMemberMetadata: struct({
      sessionTimeoutMs: int32,
      supportedProtocols: array({ name: string, metadata: bytes }),
    })
      .nullable()
      .default(null)
      .tag(0),
  },
});

export const ConsumerGroupTargetAssignmentMetadataRecord = persisted({
  type: 6,
  name: 'ConsumerGroupTargetAssignmentMetadata',
  ...flexible,
  key: ofGroup,
  value: { assignmentEpoch: int32, assignmentTimestamp: timestamp.default(0 as never).tag(0) },
});

export const ConsumerGroupTargetAssignmentMemberRecord = persisted({
  type: 7,
  name: 'ConsumerGroupTargetAssignmentMember',
  ...flexible,
  key: ofMember,
  value: { topicPartitions: array({ topicId: uuid, partitions: array(int32) }) },
});

/** With the epochs in which the partitions were assigned (KIP-1251). */
const assigned = {
  topicId: uuid,
  partitions: array(int32),
  assignmentEpochs: array(int32).nullable().default(null).tag(0),
};

export const ConsumerGroupCurrentMemberAssignmentRecord = persisted({
  type: 8,
  name: 'ConsumerGroupCurrentMemberAssignment',
  ...flexible,
  key: ofMember,
  value: {
    memberEpoch: int32,
    previousMemberEpoch: int32,
    /** 0: stable, 1: has partitions to revoke, 2: waits for partitions of others. */
    state: int8,
    assignedPartitions: array(assigned),
    partitionsPendingRevocation: array(assigned),
  },
});

export const ConsumerGroupRegularExpressionRecord = persisted({
  type: 16,
  name: 'ConsumerGroupRegularExpression',
  ...flexible,
  key: { groupId: string, regularExpression: string },
  value: { topics: array(string), version: int64, timestamp },
});
