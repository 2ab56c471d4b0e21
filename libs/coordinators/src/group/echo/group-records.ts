// A group and its offsets as records of `__consumer_offsets`. Equal states give equal bytes, because
// what the topic holds is compared with what it should hold.
import type { Timestamp, Uuid } from '@milepost/core';
import {
  ConsumerGroupCurrentMemberAssignmentRecord,
  ConsumerGroupMemberMetadataRecord,
  ConsumerGroupMetadataRecord,
  ConsumerGroupRegularExpressionRecord,
  ConsumerGroupTargetAssignmentMemberRecord,
  ConsumerGroupTargetAssignmentMetadataRecord,
  GroupMetadataRecord,
  OffsetCommitRecord,
} from '@milepost/wire';
import type { EchoRecord } from '../../echo/topic-state.ts';
import type { Partitions } from '../assignors/assignor.ts';
import type { ClassicState } from '../classic/stored.ts';
import { protocolsOf } from '../consumer/embedded-protocol.ts';
import type { Assigned, ConsumerMember, ConsumerState } from '../consumer/state.ts';
import type { StoredGroup, StoredOffset } from '../model/store.ts';

/** Versions that Kafka 4.3 writes. */
const OFFSET_VERSION = 4;
const OFFSET_WITH_EXPIRY_VERSION = 1;
const GROUP_VERSION = 3;

const MEMBER_STATES = { stable: 0, unrevoked: 1, unreleased: 2 } as const;

export const offsetKey = (group: string, topic: string, partition: number): Buffer =>
  OffsetCommitRecord.key({ group, topic, partition });

export function offsetRecord(stored: StoredOffset): EchoRecord {
  const { groupId, topic, partition, offset, leaderEpoch, metadata, committedAt, expiresAt, topicId } = stored;
  const value = { offset, leaderEpoch, metadata, commitTimestamp: committedAt, topicId };
  return {
    key: offsetKey(groupId, topic, partition),
    value:
      expiresAt === null
        ? OffsetCommitRecord.value(OFFSET_VERSION, value)
        : OffsetCommitRecord.value(OFFSET_WITH_EXPIRY_VERSION, { ...value, expireTimestamp: expiresAt }),
  };
}

/** What the topic holds of a group: enough to find what changes. */
export type EchoedState = 'classic' | ConsumerState;

export const echoedState = ({ kind, state }: StoredGroup): EchoedState =>
  kind === 'classic' ? kind : (state as ConsumerState);

/** The records that lead from one state of the group to the next; undefined: no group. */
export function groupChanges(
  groupId: string,
  before: EchoedState | undefined,
  after: StoredGroup | undefined,
): EchoRecord[] {
  if (after?.kind === 'consumer') {
    const known = before === 'classic' ? undefined : before;
    const gone = before === 'classic' ? [{ key: classicKey(groupId), value: null }] : [];
    return [...gone, ...consumerChanges(groupId, known, after.state as ConsumerState)];
  }
  const tombstones = before === undefined || (before === 'classic' && after) ? [] : endOf(groupId, before);
  return after ? [...tombstones, classicRecord(after)] : tombstones;
}

export const classicKey = (group: string): Buffer => GroupMetadataRecord.key({ group });

const endOf = (groupId: string, echoed: EchoedState): EchoRecord[] =>
  (echoed === 'classic' ? [{ key: classicKey(groupId) }] : consumerChanges(groupId, undefined, echoed)).map(tombstone);

const tombstone = ({ key }: { readonly key: Buffer }): EchoRecord => ({ key, value: null });

function classicRecord({ groupId, generation, state }: StoredGroup): EchoRecord {
  const { protocolType, protocolName, leaderId, stateSince, members } = state as ClassicState;
  const value = {
    protocolType: protocolType ?? '',
    generation,
    protocol: protocolName,
    leader: leaderId,
    currentStateTimestamp: stateSince as Timestamp,
    members: members.map(({ instanceId, rebalanceTimeoutMs, sessionTimeoutMs, protocols, ...member }) => ({
      memberId: member.memberId,
      groupInstanceId: instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: rebalanceTimeoutMs,
      sessionTimeout: sessionTimeoutMs,
      subscription: Buffer.from(protocols.find(({ name }) => name === protocolName)?.metadata ?? '', 'base64'),
      assignment: Buffer.from(member.assignment, 'base64'),
    })),
  };
  return { key: classicKey(groupId), value: GroupMetadataRecord.value(GROUP_VERSION, value) };
}

/** The state is immutable data: the same object has not changed. */
function consumerChanges(groupId: string, before: ConsumerState | undefined, after: ConsumerState): EchoRecord[] {
  const known = new Map(before?.members.map((member) => [member.memberId, member]));
  const members = after.members.flatMap((member) => {
    const old = known.get(member.memberId);
    known.delete(member.memberId);
    return old === member ? [] : memberChanges(groupId, old, member);
  });
  const gone = [...known.values()].flatMap((member) => memberRecords(groupId, member).map(tombstone));
  return [...gone, ...groupOnlyChanges(groupId, before, after), ...members];
}

function groupOnlyChanges(groupId: string, before: ConsumerState | undefined, after: ConsumerState): EchoRecord[] {
  const records: EchoRecord[] = [];
  if (before?.groupEpoch !== after.groupEpoch || before.topicsHash !== after.topicsHash) {
    const value = { epoch: after.groupEpoch, metadataHash: numberOf(after.topicsHash) };
    records.push({
      key: ConsumerGroupMetadataRecord.key({ groupId }),
      value: ConsumerGroupMetadataRecord.value(0, value),
    });
  }
  if (before?.targetEpoch !== after.targetEpoch || before.targetAt !== after.targetAt) {
    const value = { assignmentEpoch: after.targetEpoch, assignmentTimestamp: after.targetAt as Timestamp };
    records.push({
      key: ConsumerGroupTargetAssignmentMetadataRecord.key({ groupId }),
      value: ConsumerGroupTargetAssignmentMetadataRecord.value(0, value),
    });
  }
  if (before?.regexes !== after.regexes) records.push(...regexChanges(groupId, before?.regexes ?? [], after.regexes));
  return records;
}

type Regexes = ConsumerState['regexes'];

function regexChanges(groupId: string, before: Regexes, after: Regexes): EchoRecord[] {
  const key = (regularExpression: string) => ConsumerGroupRegularExpressionRecord.key({ groupId, regularExpression });
  const gone = before.filter(({ regex }) => !after.some((each) => each.regex === regex));
  const written = after.filter((each) => !before.includes(each));
  return [
    ...gone.map(({ regex }) => ({ key: key(regex), value: null })),
    ...written.map(({ regex, topics }) => {
      const value = { topics: [...topics], version: 0n, timestamp: 0 as Timestamp };
      return { key: key(regex), value: ConsumerGroupRegularExpressionRecord.value(0, value) };
    }),
  ];
}

function memberRecords(groupId: string, member: ConsumerMember): EchoRecord[] {
  const { memberId } = member;
  const target = Object.entries(member.target as Partitions).map(([topicId, partitions]) => ({
    topicId: topicId as Uuid,
    partitions: [...partitions],
  }));
  const current = {
    memberEpoch: member.memberEpoch,
    previousMemberEpoch: member.previousEpoch,
    state: MEMBER_STATES[member.state],
    assignedPartitions: withEpochs(member.assigned),
    partitionsPendingRevocation: withEpochs(member.revoking),
  };
  return [
    {
      key: ConsumerGroupMemberMetadataRecord.key({ groupId, memberId }),
      value: ConsumerGroupMemberMetadataRecord.value(0, subscriptionOf(member)),
    },
    {
      key: ConsumerGroupTargetAssignmentMemberRecord.key({ groupId, memberId }),
      value: ConsumerGroupTargetAssignmentMemberRecord.value(0, { topicPartitions: target }),
    },
    {
      key: ConsumerGroupCurrentMemberAssignmentRecord.key({ groupId, memberId }),
      value: ConsumerGroupCurrentMemberAssignmentRecord.value(0, current),
    },
  ];
}

function memberChanges(groupId: string, before: ConsumerMember | undefined, after: ConsumerMember): EchoRecord[] {
  const records = memberRecords(groupId, after);
  if (!before) return records;
  const old = memberRecords(groupId, before);
  return records.filter(({ value }, place) => !old[place]?.value?.equals(value as Buffer));
}

const subscriptionOf = (member: ConsumerMember) => ({
  instanceId: member.instanceId,
  rackId: member.rackId,
  clientId: member.clientId,
  clientHost: member.clientHost,
  subscribedTopicNames: [...member.topicNames],
  subscribedTopicRegex: member.topicRegex,
  rebalanceTimeoutMs: member.rebalanceTimeoutMs,
  serverAssignor: member.assignor,
  classicMemberMetadata: member.classic && {
    sessionTimeoutMs: member.classic.sessionTimeoutMs,
    supportedProtocols: protocolsOf(member.classic),
  },
});

const withEpochs = (assigned: Assigned) =>
  Object.entries(assigned).map(([topicId, epochs]) => ({
    topicId: topicId as Uuid,
    partitions: Object.keys(epochs).map(Number),
    assignmentEpochs: Object.values(epochs),
  }));

/** The first eight bytes of the hash. */
const numberOf = (hash: string): bigint => (hash === '' ? 0n : Buffer.from(hash, 'base64').readBigInt64BE());
