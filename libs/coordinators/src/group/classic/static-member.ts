// A static member that starts again (KIP-345): its instance id stays, its member id is new, the old one is fenced.
// While Stable that needs no rebalance, unless the group would now choose another protocol.
import { ErrorCode } from '@milepost/core';
import type { JoinCommand, JoinResult } from '../model/commands.ts';
import { stableGroup } from './stored.ts';
import { type JoinAnswer, updateMember } from './member.ts';
import { joined, rebalance } from './rebalance.ts';
import type { ClassicGroup, Member } from './state.ts';
import { failedJoin, failedSync, type ClassicTurn } from './turn.ts';

export function replaceStaticMember(
  turn: ClassicTurn,
  command: JoinCommand,
  old: Member,
  memberId: string,
  answer: JoinAnswer,
): void {
  const { group } = turn;
  const formerLeader = group.leaderId ?? '';
  turn.answerJoin(old, failedJoin(ErrorCode.FENCED_INSTANCE_ID, old.memberId));
  turn.answerSync(old, failedSync(ErrorCode.FENCED_INSTANCE_ID));
  turn.endSession(old.memberId);
  const member: Member = { ...old, memberId };
  takeThePlace(group, old, member);
  updateMember(turn, member, command, answer);
  turn.keepSession(member);

  // In CompletingRebalance the leader may be assigning to the old id: all have to join again.
  if (group.state !== 'Stable' || group.chooseProtocol() !== group.protocolName) {
    rebalance(turn, 'static_member_replaced');
    return;
  }
  turn.events.push({ type: 'group-stored', group: stableGroup(group, group.stateSince, (each) => each.assignment) });
  turn.answerJoin(member, welcomedBack(group, memberId, formerLeader, command.supportsSkippingAssignment));
}

function takeThePlace(group: ClassicGroup, old: Member, member: Member): void {
  group.replaceMembers([...group.members.values()].map((each) => (each === old ? member : each)));
  if (group.leaderId === old.memberId) group.leaderId = member.memberId;
  if (group.pendingSync.delete(old.memberId)) group.pendingSync.add(member.memberId);
}

/**
 * A returning leader has to know of the members, to watch topics for them, and must not assign anew (KIP-814). Clients
 * before that are told that the old id leads, so that they do not.
 */
function welcomedBack(
  group: ClassicGroup,
  memberId: string,
  formerLeader: string,
  supportsSkipping: boolean,
): JoinResult {
  const result = joined(group, memberId);
  if (!supportsSkipping) return { ...result, leader: formerLeader, members: [] };
  return { ...result, skipAssignment: group.leaderId === memberId };
}
