// SyncGroup: members request their assignment, and the leader sends all of them. The leader's request ends the rebalance: its
// assignments become durable before any member receives one.
import { ErrorCode } from '@milepost/core';
import type { SyncCommand, SyncResult } from '../model/commands.ts';
import { stableGroup } from './stored.ts';
import { syncArrived } from './rebalance.ts';
import { type ClassicGroup, type Member, NO_ASSIGNMENT } from './state.ts';
import { failedSync, type ClassicTurn } from './turn.ts';

export type RespondToSync = (result: SyncResult) => void;

export function sync(turn: ClassicTurn, command: SyncCommand, respond: RespondToSync): void {
  const { group } = turn;
  const error = refusal(group, command);
  const member = group.members.get(command.memberId);
  if (error !== ErrorCode.NONE || !member) {
    turn.after(() => respond(failedSync(error)));
    return;
  }
  syncArrived(turn, member.memberId);
  // The client has given up on an earlier SyncGroup of the same member.
  turn.respondToSync(member, failedSync(ErrorCode.REBALANCE_IN_PROGRESS));
  member.sync = respond;
  if (group.state === 'Stable') {
    turn.keepSession(member); // the member is alive; Kafka before 4.0 did so too
    turn.respondToSync(member, assigned(group, member.assignment));
  } else if (group.leaderId === member.memberId) completeRebalance(turn, command);
}

function refusal(group: ClassicGroup, command: SyncCommand): ErrorCode {
  const error = group.checkMember(command.memberId, command.instanceId);
  if (error !== ErrorCode.NONE) return error;
  if (command.generation !== group.generation) return ErrorCode.ILLEGAL_GENERATION;
  const differs = (claimed: string | null, known: string | null) => claimed !== null && claimed !== known;
  if (differs(command.protocolType, group.protocolType) || differs(command.protocolName, group.protocolName))
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}

/** Members that the leader left out get no partitions. */
function completeRebalance(turn: ClassicTurn, command: SyncCommand): void {
  const { group } = turn;
  const assignments = new Map(command.assignments.map((each) => [each.memberId, Buffer.from(each.assignment)]));
  const assignmentOf = (member: Member) => assignments.get(member.memberId) ?? NO_ASSIGNMENT;
  turn.events.push({ type: 'group-stored', group: stableGroup(group, turn.now, assignmentOf) });
  for (const member of group.members.values()) {
    if (member.sync) turn.keepSession(member);
    turn.respondToSync(member, assigned(group, assignmentOf(member)));
  }
}

const assigned = (group: ClassicGroup, assignment: Buffer): SyncResult => ({
  error: ErrorCode.NONE,
  protocolType: group.protocolType,
  protocolName: group.protocolName,
  assignment,
});
