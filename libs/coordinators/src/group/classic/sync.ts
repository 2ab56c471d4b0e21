// SyncGroup: members ask for their assignment, the leader brings all of them. With the leader's word the rebalance is
// over and durable; only then does anyone hear of an assignment.
import { ErrorCode } from '@milepost/core';
import type { SyncCommand, SyncResult } from '../model/commands.ts';
import { stableGroup } from './stored.ts';
import { syncArrived } from './rebalance.ts';
import { type ClassicGroup, type Member, NO_ASSIGNMENT } from './state.ts';
import { failedSync, type ClassicTurn } from './turn.ts';

export type SyncAnswer = (result: SyncResult) => void;

export function sync(turn: ClassicTurn, command: SyncCommand, answer: SyncAnswer): void {
  const { group } = turn;
  const error = refusal(group, command);
  const member = group.members.get(command.memberId);
  if (error !== ErrorCode.NONE || !member) {
    turn.after(() => answer(failedSync(error)));
    return;
  }
  syncArrived(turn, member.memberId);
  // An earlier SyncGroup of the same member: its client has given up on it.
  turn.answerSync(member, failedSync(ErrorCode.REBALANCE_IN_PROGRESS));
  member.sync = answer;
  if (group.state === 'Stable') {
    turn.keepSession(member); // who is told what is its own lives; so it was in Kafka before 4.0
    turn.answerSync(member, assigned(group, member.assignment));
  } else if (group.leaderId === member.memberId) completeRebalance(turn, command);
}

function refusal(group: ClassicGroup, command: SyncCommand): ErrorCode {
  const error = group.checkMember(command.memberId, command.instanceId);
  if (error !== ErrorCode.NONE) return error;
  if (command.generation !== group.generation) return ErrorCode.ILLEGAL_GENERATION;
  const differs = (said: string | null, known: string | null) => said !== null && said !== known;
  if (differs(command.protocolType, group.protocolType) || differs(command.protocolName, group.protocolName))
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}

/** Members that the leader forgot get nothing. */
function completeRebalance(turn: ClassicTurn, command: SyncCommand): void {
  const { group } = turn;
  const assignments = new Map(command.assignments.map((each) => [each.memberId, Buffer.from(each.assignment)]));
  const assignmentOf = (member: Member) => assignments.get(member.memberId) ?? NO_ASSIGNMENT;
  turn.events.push({ type: 'group-stored', group: stableGroup(group, turn.now, assignmentOf) });
  for (const member of group.members.values()) {
    if (member.sync) turn.keepSession(member);
    turn.answerSync(member, assigned(group, assignmentOf(member)));
  }
}

const assigned = (group: ClassicGroup, assignment: Buffer): SyncResult => ({
  error: ErrorCode.NONE,
  protocolType: group.protocolType,
  protocolName: group.protocolName,
  assignment,
});
