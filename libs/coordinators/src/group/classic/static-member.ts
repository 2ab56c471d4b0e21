// A static member that restarts (KIP-345): it keeps its instance id, gets a new member id, and the old one is fenced. A Stable
// group does not rebalance for it, unless the group would now choose another protocol.
import { ErrorCode } from '@milepost/core';
import type { JoinCommand, JoinResult } from '../model/commands.ts';
import { stableGroup } from './stored.ts';
import { type RespondToJoin, updateMember } from './member.ts';
import { joined, rebalance } from './rebalance.ts';
import type { ClassicGroup, Member } from './state.ts';
import { failedJoin, failedSync, type ClassicTurn } from './turn.ts';

export function replaceStaticMember(
  turn: ClassicTurn,
  command: JoinCommand,
  old: Member,
  memberId: string,
  respond: RespondToJoin,
): void {
  const { group } = turn;
  const formerLeader = group.leaderId ?? '';
  turn.respondToJoin(old, failedJoin(ErrorCode.FENCED_INSTANCE_ID, old.memberId));
  turn.respondToSync(old, failedSync(ErrorCode.FENCED_INSTANCE_ID));
  turn.endSession(old.memberId);
  const member: Member = { ...old, memberId };
  takeThePlace(group, old, member);
  updateMember(turn, member, command, respond);
  turn.keepSession(member);

  // In CompletingRebalance the leader may be assigning to the old member id, so all members join again.
  if (group.state !== 'Stable' || group.chooseProtocol() !== group.protocolName) {
    rebalance(turn, 'static_member_replaced');
    return;
  }
  turn.events.push({ type: 'group-stored', group: stableGroup(group, group.stateSince, (each) => each.assignment) });
  turn.respondToJoin(member, welcomedBack(group, memberId, formerLeader, command.supportsSkippingAssignment));
}

function takeThePlace(group: ClassicGroup, old: Member, member: Member): void {
  group.replaceMembers([...group.members.values()].map((each) => (each === old ? member : each)));
  if (group.leaderId === old.memberId) group.leaderId = member.memberId;
  if (group.pendingSync.delete(old.memberId)) group.pendingSync.add(member.memberId);
}

/**
 * A returning leader needs the list of members, to watch their topics, and must not assign again (KIP-814). An older client
 * gets the old member id as the leader's, so that it does not assign.
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
