// JoinGroup: a member comes, comes again, or comes with news. The answer waits until the join phase is over, except
// where nothing changes (KIP-345, KIP-394, KIP-814 in their places).
import { ErrorCode } from '@milepost/core';
import type { JoinCommand } from '../model/commands.ts';
import { type JoinAnswer, newMember, sameProtocols, updateMember } from './member.ts';
import { completeJoinIfAllHaveJoined, joined, rebalance } from './rebalance.ts';
import { replaceStaticMember } from './static-member.ts';
import { failedJoin, type ClassicTurn } from './turn.ts';

/**
 * New members cannot heartbeat while their JoinGroup waits, and a client that gave up cannot be told from one that
 * is patient: after this long it is answered, and comes again if it is still there. Kafka's own constant.
 */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60_000;

export function join(turn: ClassicTurn, command: JoinCommand, answer: JoinAnswer): void {
  const { group } = turn;
  if (!hasRoomFor(turn, command.memberId)) {
    turn.remove(command.memberId);
    completeJoinIfAllHaveJoined(turn);
    turn.after(() => answer(failedJoin(ErrorCode.GROUP_MAX_SIZE_REACHED, '')));
  } else if (!group.supports(command.protocolType, command.protocols)) {
    turn.after(() => answer(failedJoin(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, command.memberId)));
  } else if (command.memberId === '') joinAsNew(turn, command, answer);
  else joinAgain(turn, command, answer);
}

function joinAsNew(turn: ClassicTurn, command: JoinCommand, answer: JoinAnswer): void {
  const { group, context } = turn;
  const memberId = `${command.instanceId ?? command.clientId}-${context.random.uuid()}`;
  const replaced = command.instanceId === null ? undefined : group.memberOfInstance(command.instanceId);
  if (replaced) replaceStaticMember(turn, command, replaced, memberId, answer);
  else if (command.instanceId === null && command.requireKnownMemberId) {
    group.pendingMembers.add(memberId);
    turn.keepSessionOf(memberId, command.sessionTimeoutMs);
    turn.after(() => answer(failedJoin(ErrorCode.MEMBER_ID_REQUIRED, memberId)));
  } else addMember(turn, command, memberId, answer);
}

function joinAgain(turn: ClassicTurn, command: JoinCommand, answer: JoinAnswer): void {
  const { group } = turn;
  const { memberId } = command;
  if (group.pendingMembers.has(memberId) && command.instanceId === null) {
    addMember(turn, command, memberId, answer);
    return;
  }
  const error = group.checkMember(memberId, command.instanceId);
  const member = group.members.get(memberId);
  if (error !== ErrorCode.NONE || !member) {
    turn.after(() => answer(failedJoin(error, memberId)));
    return;
  }
  // Only a leader may ask for a rebalance without a change of its own: it watches the topics for all. In
  // CompletingRebalance the same again means that the answer got lost.
  const asksForRebalance = group.state === 'Stable' && group.leaderId === memberId;
  if (group.state !== 'PreparingRebalance' && sameProtocols(member, command.protocols) && !asksForRebalance) {
    const result = joined(group, memberId);
    turn.after(() => answer(result));
    return;
  }
  updateMember(turn, member, command, answer);
  rebalance(turn, 'member_rejoined');
}

function addMember(turn: ClassicTurn, command: JoinCommand, memberId: string, answer: JoinAnswer): void {
  const { group } = turn;
  if (group.state === 'PreparingRebalance' && group.isInitialRebalance) group.newMemberAdded = true;
  group.add(newMember(memberId, command, answer), command.protocolType);
  turn.keepSessionOf(memberId, NEW_MEMBER_JOIN_TIMEOUT_MS);
  rebalance(turn, 'member_joined');
}

/** While members join, those that wait are counted: the last to come back to an oversized group stay outside. */
function hasRoomFor(turn: ClassicTurn, memberId: string): boolean {
  const { group, context } = turn;
  const member = group.members.get(memberId);
  switch (group.state) {
    case 'Empty':
      return true;
    case 'PreparingRebalance':
      return member?.join !== undefined || group.waitingToJoin < context.config.maxSize;
    default:
      return member !== undefined || group.members.size < context.config.maxSize;
  }
}
