// Identifies the member that sent a heartbeat, and checks its identity and its epoch. A member with another epoch is fenced:
// it must give up its partitions and join again, so that it cannot use one that now belongs to another member.
import { ErrorCode } from '@milepost/core';
import type { GroupConfig } from '../model/config.ts';
import type { ConsumerHeartbeatCommand, ConsumerHeartbeatResult } from './commands.ts';
import type { Owned } from './owned.ts';
import { type ConsumerGroup, type ConsumerMember, has, LEAVE, STATIC_MEMBER_LEFT } from './state.ts';
import type { ConsumerTurn } from './turn.ts';

export interface Refusal {
  readonly error: ErrorCode;
  readonly message: string | null;
}

export interface Admitted {
  readonly member: ConsumerMember;
  /** Its own member id, or that of the static member that it replaces. */
  readonly replaces: string;
}

export const isRefusal = (outcome: object): outcome is Refusal => 'error' in outcome;

/** Checks that do not depend on the group. */
export function invalidHeartbeat(command: ConsumerHeartbeatCommand, config: GroupConfig): Refusal | undefined {
  const problem = invalidIds(command) ?? invalidFirst(command);
  if (problem !== undefined) return { error: ErrorCode.INVALID_REQUEST, message: problem };
  const { assignor } = command;
  if (assignor === null || config.consumerAssignors.some((name) => name === assignor)) return undefined;
  const message = `ServerAssignor ${assignor} is not supported. Supported are: ${config.consumerAssignors.join(', ')}.`;
  return { error: ErrorCode.UNSUPPORTED_ASSIGNOR, message };
}

function invalidIds({ groupId, memberId, memberEpoch, ...command }: ConsumerHeartbeatCommand): string | undefined {
  const needsMemberId = command.requiresMemberId || memberEpoch > 0 || memberEpoch === LEAVE;
  if (needsMemberId && memberId.trim() === '') return 'MemberId cannot be empty.';
  if (groupId.trim() === '') return 'GroupId cannot be empty.';
  if (command.instanceId?.trim() === '') return 'InstanceId cannot be empty.';
  if (command.rackId?.trim() === '') return 'RackId cannot be empty.';
  if (memberEpoch < STATIC_MEMBER_LEFT) return `MemberEpoch ${memberEpoch} is none.`;
  const leavesForAWhile = memberEpoch === STATIC_MEMBER_LEFT;
  return leavesForAWhile && command.instanceId === null ? 'MemberEpoch -2 needs an InstanceId.' : undefined;
}

function invalidFirst(command: ConsumerHeartbeatCommand): string | undefined {
  if (command.memberEpoch !== 0) return undefined;
  if (command.rebalanceTimeoutMs === -1) return 'The first request must say RebalanceTimeoutMs.';
  if (command.owned?.length !== 0) return 'The first request must say that TopicPartitions is empty.';
  const subscribes = command.topicNames !== null || command.topicRegex !== null;
  return subscribes ? undefined : 'The first request must say SubscribedTopicNames or SubscribedTopicRegex.';
}

/** Whether a heartbeat extends the session. One of a fenced process must not, or its replacement could never join. */
export function isInItsEpoch(group: ConsumerGroup | undefined, command: ConsumerHeartbeatCommand): boolean {
  const member = group?.members.get(command.memberId);
  return member !== undefined && command.memberEpoch > 0 && command.memberEpoch === member.memberEpoch;
}

export function admit({ group, context }: ConsumerTurn, command: ConsumerHeartbeatCommand): Admitted | Refusal {
  const { memberId, memberEpoch, instanceId } = command;
  const known = (instanceId !== null && group.memberOfInstance(instanceId)) || group.members.get(memberId);
  if (!hasRoomFor(group, memberId, instanceId, context.config))
    return {
      error: ErrorCode.GROUP_MAX_SIZE_REACHED,
      message: `The group has ${group.members.size} members, the most it may have.`,
    };
  if (memberEpoch === 0 && instanceId !== null) return joinAsStatic(group, command, instanceId);
  if (memberEpoch === 0 && !known) return { member: newMember(command), replaces: memberId };
  const member = identified(group, memberId, instanceId);
  if (isRefusal(member)) return member;
  return fenced(member, command) ?? { member, replaces: memberId };
}

export function hasRoomFor(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
  { consumerMaxSize }: GroupConfig,
): boolean {
  const known = (instanceId !== null && group.memberOfInstance(instanceId)) || group.members.has(memberId);
  return !!known || group.members.size < consumerMaxSize;
}

/** The member with these ids. */
export function identified(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
): ConsumerMember | Refusal {
  if (instanceId === null) return group.members.get(memberId) ?? unknown(`${memberId} is not a member of the group.`);
  const member = group.memberOfInstance(instanceId);
  if (!member) return unknown(`InstanceId ${instanceId} is unknown.`);
  if (member.memberId === memberId) return member;
  return { error: ErrorCode.FENCED_INSTANCE_ID, message: `InstanceId ${instanceId} belongs to ${member.memberId}.` };
}

/**
 * A static member that left for a while (-2) may return under another member id and gets its partitions back. So does one
 * that used the classic protocol, which has no such request.
 */
function joinAsStatic(group: ConsumerGroup, command: ConsumerHeartbeatCommand, instanceId: string): Admitted | Refusal {
  const { memberId } = command;
  const member = group.memberOfInstance(instanceId);
  if (!member) return { member: group.members.get(memberId) ?? newMember(command), replaces: memberId };
  if (member.memberEpoch === STATIC_MEMBER_LEFT || member.classic)
    return { member: { ...member, memberId, memberEpoch: 0, previousEpoch: 0 }, replaces: member.memberId };
  const message = `InstanceId ${instanceId} is in use by ${member.memberId}.`;
  return { error: ErrorCode.UNRELEASED_INSTANCE_ID, message };
}

type Client = Pick<ConsumerMember, 'memberId' | 'instanceId' | 'clientId' | 'clientHost'>;

export function newMember({ memberId, instanceId, clientId, clientHost }: Client): ConsumerMember {
  const client = { memberId, instanceId, rackId: null, clientId, clientHost, rebalanceTimeoutMs: -1 };
  const subscription = { topicNames: [], topicRegex: null, assignor: null, classic: null };
  const nothing = { assigned: {}, revoking: {}, target: {} };
  return { ...client, ...subscription, ...nothing, memberEpoch: 0, previousEpoch: 0, state: 'stable' };
}

function fenced(member: ConsumerMember, { memberEpoch, owned }: ConsumerHeartbeatCommand): Refusal | undefined {
  if (memberEpoch === 0 || memberEpoch === member.memberEpoch) return undefined;
  // The response with the new epoch may have got lost.
  if (memberEpoch === member.previousEpoch && memberEpoch < member.memberEpoch && isWithin(owned, member))
    return undefined;
  const message = `The member is in epoch ${member.memberEpoch}, the request says ${memberEpoch}: it must join again.`;
  return { error: ErrorCode.FENCED_MEMBER_EPOCH, message };
}

const isWithin = (owned: Owned, { assigned }: ConsumerMember): boolean =>
  owned?.every(({ topicId, partitions }) => partitions.every((partition) => has(assigned, topicId, partition))) ??
  false;

const unknown = (message: string): Refusal => ({ error: ErrorCode.UNKNOWN_MEMBER_ID, message });

export const refusedHeartbeat = ({ error, message }: Refusal): ConsumerHeartbeatResult => ({
  error,
  errorMessage: message,
  memberId: null,
  memberEpoch: 0,
  heartbeatIntervalMs: 0,
  assignment: null,
});
