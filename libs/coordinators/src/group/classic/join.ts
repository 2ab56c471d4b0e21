// JoinGroup: a member joins, joins again, or changes what it supports. The response waits until the join phase is over,
// except where nothing changes (KIP-345, KIP-394 and KIP-814 are named where they apply).
import { ErrorCode } from '@milepost/core';
import type { JoinCommand } from '../model/commands.ts';
import { type RespondToJoin, newMember, sameProtocols, updateMember } from './member.ts';
import { completeJoinIfAllHaveJoined, joined, rebalance } from './rebalance.ts';
import { replaceStaticMember } from './static-member.ts';
import { failedJoin, type ClassicTurn } from './turn.ts';

/**
 * A new member cannot heartbeat while its JoinGroup waits, so a client that gave up looks like one that still waits. After
 * this long the request gets a response, and a client that is still there joins again. Kafka's own constant.
 */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60_000;

export function join(turn: ClassicTurn, command: JoinCommand, respond: RespondToJoin): void {
  const { group } = turn;
  if (!hasRoomFor(turn, command.memberId)) {
    turn.remove(command.memberId);
    completeJoinIfAllHaveJoined(turn);
    turn.after(() => respond(failedJoin(ErrorCode.GROUP_MAX_SIZE_REACHED, '')));
  } else if (!group.supports(command.protocolType, command.protocols)) {
    turn.after(() => respond(failedJoin(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, command.memberId)));
  } else if (command.memberId === '') joinAsNew(turn, command, respond);
  else joinAgain(turn, command, respond);
}

function joinAsNew(turn: ClassicTurn, command: JoinCommand, respond: RespondToJoin): void {
  const { group, context } = turn;
  const memberId = `${command.instanceId ?? command.clientId}-${context.random.uuid()}`;
  const replaced = command.instanceId === null ? undefined : group.memberOfInstance(command.instanceId);
  if (replaced) replaceStaticMember(turn, command, replaced, memberId, respond);
  else if (command.instanceId === null && command.requireKnownMemberId) {
    group.pendingMembers.add(memberId);
    turn.keepSessionOf(memberId, command.sessionTimeoutMs);
    turn.after(() => respond(failedJoin(ErrorCode.MEMBER_ID_REQUIRED, memberId)));
  } else addMember(turn, command, memberId, respond);
}

function joinAgain(turn: ClassicTurn, command: JoinCommand, respond: RespondToJoin): void {
  const { group } = turn;
  const { memberId } = command;
  if (group.pendingMembers.has(memberId) && command.instanceId === null) {
    addMember(turn, command, memberId, respond);
    return;
  }
  const error = group.checkMember(memberId, command.instanceId);
  const member = group.members.get(memberId);
  if (error !== ErrorCode.NONE || !member) {
    turn.after(() => respond(failedJoin(error, memberId)));
    return;
  }
  // Only the leader may start a rebalance without a change of its own, because it watches the topics for the whole group. In
  // CompletingRebalance, the same request again means that the response got lost.
  const asksForRebalance = group.state === 'Stable' && group.leaderId === memberId;
  if (group.state !== 'PreparingRebalance' && sameProtocols(member, command.protocols) && !asksForRebalance) {
    const result = joined(group, memberId);
    turn.after(() => respond(result));
    return;
  }
  updateMember(turn, member, command, respond);
  rebalance(turn, 'member_rejoined');
}

function addMember(turn: ClassicTurn, command: JoinCommand, memberId: string, respond: RespondToJoin): void {
  const { group } = turn;
  if (group.state === 'PreparingRebalance' && group.isInitialRebalance) group.newMemberAdded = true;
  group.add(newMember(memberId, command, respond), command.protocolType);
  turn.keepSessionOf(memberId, NEW_MEMBER_JOIN_TIMEOUT_MS);
  rebalance(turn, 'member_joined');
}

/** In the join phase only waiting members count: the last ones that return to an oversized group are refused. */
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
