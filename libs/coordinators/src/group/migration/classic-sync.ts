// SyncGroup and Heartbeat of a member of the classic protocol in a consumer group. If the group has a newer assignment, the
// response asks the member to join again, which it must do within its rebalance timeout.
import { ErrorCode } from '@milepost/core';
import type { HeartbeatCommand, SyncCommand, SyncResult } from '../model/commands.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../model/context.ts';
import { failedSync } from '../classic/turn.ts';
import { identified, isRefusal } from '../consumer/admission.ts';
import { assignmentBytes, type ClassicFace } from '../consumer/embedded-protocol.ts';
import { awaitJoin, syncArrived } from '../consumer/session.ts';
import { type ConsumerGroup, type ConsumerMember, has, partitionsIn } from '../consumer/state.ts';
import type { ConsumerTurn } from '../consumer/turn.ts';

export function syncConsumers(turn: ConsumerTurn, command: SyncCommand, respond: (result: SyncResult) => void): void {
  const { group, context } = turn;
  const member = classicMember(group, command);
  const error = typeof member === 'number' ? member : syncRefusal(group, member, command);
  if (typeof member === 'number' || error !== ErrorCode.NONE) {
    if (error === ErrorCode.REBALANCE_IN_PROGRESS) awaitJoin(turn, command.memberId);
    turn.after(() => respond(failedSync(error)));
    return;
  }
  syncArrived(turn, member.memberId);
  turn.keepSession(member.memberId);
  const assignment = assignmentBytes(partitionsIn(member.assigned), member.classic, context.catalog);
  const { protocolType, protocolName } = command;
  turn.after(() => respond({ error, protocolType, protocolName, assignment }));
}

/** REBALANCE_IN_PROGRESS: its epoch is over, it must give up partitions, or the partitions that it waits for are free. */
export function heartbeatOfClassic(group: ConsumerGroup, command: HeartbeatCommand): ErrorCode {
  const member = classicMember(group, command);
  if (typeof member === 'number') return member;
  const isBehind = member.memberEpoch < group.data.targetEpoch;
  const canGoOn = member.state === 'unrevoked' || (member.state === 'unreleased' && !waitsForOthers(group, member));
  return isBehind || canGoOn ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}

interface Identity {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generation: number;
}

function classicMember(
  group: ConsumerGroup,
  { memberId, instanceId, generation }: Identity,
): (ConsumerMember & { readonly classic: ClassicFace }) | ErrorCode {
  const member = identified(group, memberId, instanceId);
  if (isRefusal(member)) return member.error;
  const { classic } = member;
  if (!classic) return ErrorCode.UNKNOWN_MEMBER_ID;
  return generation === member.memberEpoch ? { ...member, classic } : ErrorCode.ILLEGAL_GENERATION;
}

function syncRefusal(
  group: ConsumerGroup,
  member: ConsumerMember & { readonly classic: ClassicFace },
  { protocolType, protocolName }: SyncCommand,
): ErrorCode {
  const differs = (claimed: string | null, known: string | undefined) => claimed !== null && claimed !== known;
  if (differs(protocolType, CONSUMER_PROTOCOL_TYPE) || differs(protocolName, member.classic.protocols[0]?.name))
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  // A member that must give up partitions has joined already; it continues from there.
  const isBehind = group.data.targetEpoch > member.memberEpoch && member.state !== 'unrevoked';
  return isBehind ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}

const waitsForOthers = (group: ConsumerGroup, member: ConsumerMember): boolean =>
  Object.entries(member.target).some(([topic, partitions]) =>
    partitions.some(
      (partition) =>
        !has(member.assigned, topic as never, partition) && group.ownerOf(topic as never, partition) !== undefined,
    ),
  );
