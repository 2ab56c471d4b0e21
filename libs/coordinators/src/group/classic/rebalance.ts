// A rebalance: all members join again, the next generation begins, and its leader assigns. Only its end is durable (sync.ts),
// or that no member was left. Everything in between is in memory; a restart returns to the last end.
import { ErrorCode, invariant } from '@milepost/core';
import type { JoinResult } from '../model/commands.ts';
import type { RebalanceReason } from '../model/rebalance-reason.ts';
import { emptyGroup } from './stored.ts';
import { type ClassicGroup, type Member, NO_ASSIGNMENT } from './state.ts';
import { failedSync, type ClassicTurn } from './turn.ts';

/** Timer that ends the join phase. */
const JOIN = 'join';
/**
 * Applies even with no initial delay. Members that start together arrive some milliseconds apart. Without it the first one
 * would get a generation of its own, begin to process records, and rebalance at its next heartbeat.
 */
const LEAST_INITIAL_DELAY_MS = 10;
/** Timer that ends the wait for members that know the generation and do not send SyncGroup. */
const SYNC = 'sync';

/** A member joined, changed or left: starts a rebalance, or continues the current one. */
export function rebalance(turn: ClassicTurn, reason: RebalanceReason): void {
  if (turn.group.state === 'PreparingRebalance') completeJoinIfAllHaveJoined(turn);
  else prepareRebalance(turn, reason);
}

export function prepareRebalance(turn: ClassicTurn, reason: RebalanceReason): void {
  const { group, context } = turn;
  invariant(group.state !== 'PreparingRebalance', () => `group ${group.groupId} is preparing a rebalance already`);
  if (group.state === 'CompletingRebalance') sendBackFromSync(turn);
  group.pendingSync.clear();
  turn.cancel(SYNC);
  group.isInitialRebalance = group.state === 'Empty';
  group.newMemberAdded = false;
  group.state = 'PreparingRebalance';
  group.stateSince = turn.now;
  turn.after(() => {
    context.rebalances.add(1, { consumergroup: group.groupId, reason });
    context.logger.info({ group: group.groupId, generation: group.generation, reason }, 'a group rebalances');
  });

  if (group.isInitialRebalance) {
    const delayMs = initialDelayMs(turn);
    waitForMoreMembers(turn, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0));
  } else if (group.allHaveJoined) completeJoin(turn);
  else turn.schedule(JOIN, group.rebalanceTimeoutMs, completeJoin);
}

/** Not during the initial delay, which waits for members that are still unknown. */
export function completeJoinIfAllHaveJoined(turn: ClassicTurn): void {
  const { group } = turn;
  if (group.state === 'PreparingRebalance' && !group.isInitialRebalance && group.allHaveJoined) completeJoin(turn);
}

/** All members have joined, or had time to. Static members keep their place until their session ends. */
function completeJoin(turn: ClassicTurn): void {
  const { group } = turn;
  turn.cancel(JOIN);
  for (const member of group.members.values())
    if (!member.join && member.instanceId === null) turn.remove(member.memberId);

  if (group.members.size === 0) turn.events.push({ type: 'group-stored', group: emptyGroup(group, turn.now) });
  else if (electLeaderAmongJoined(group)) beginGeneration(turn);
  else turn.schedule(JOIN, group.rebalanceTimeoutMs, completeJoin);
}

function beginGeneration(turn: ClassicTurn): void {
  const { group, context } = turn;
  group.generation += 1;
  group.protocolName = group.chooseProtocol();
  group.learnSubscriptions();
  group.state = 'CompletingRebalance';
  group.stateSince = turn.now;
  group.pendingSync = new Set(group.members.keys());
  for (const member of group.members.values()) {
    turn.respondToJoin(member, joined(group, member.memberId));
    turn.keepSession(member);
    member.isNew = false;
  }
  const { generation } = group;
  turn.schedule(SYNC, group.rebalanceTimeoutMs, expirePendingSync);
  turn.after(() =>
    context.logger.info({ group: group.groupId, generation, members: group.members.size }, 'a generation begins'),
  );
}

/** The response to a member. Only the leader gets the list of members. */
export function joined(group: ClassicGroup, memberId: string): JoinResult {
  const isLeader = group.leaderId === memberId;
  return {
    error: ErrorCode.NONE,
    generation: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? '',
    skipAssignment: false,
    memberId,
    members: isLeader ? [...group.members.values()].map((member) => asSeenByLeader(group, member)) : [],
  };
}

function asSeenByLeader(group: ClassicGroup, { memberId, instanceId, protocols }: Member) {
  const chosen = protocols.find(({ name }) => name === group.protocolName);
  invariant(chosen, () => `group ${group.groupId}: member ${memberId} has no protocol ${group.protocolName}`);
  return { memberId, instanceId, metadata: chosen.metadata };
}

/** The member has sent SyncGroup. */
export function syncArrived(turn: ClassicTurn, memberId: string): void {
  turn.group.pendingSync.delete(memberId);
  if (turn.group.pendingSync.size === 0) turn.cancel(SYNC);
}

function expirePendingSync(turn: ClassicTurn): void {
  const { group } = turn;
  if (group.pendingSync.size === 0) return;
  for (const memberId of group.pendingSync) turn.remove(memberId);
  prepareRebalance(turn, 'sync_expired');
}

function sendBackFromSync(turn: ClassicTurn): void {
  for (const member of turn.group.members.values()) {
    member.assignment = NO_ASSIGNMENT;
    if (member.sync) turn.keepSession(member);
    turn.respondToSync(member, failedSync(ErrorCode.REBALANCE_IN_PROGRESS));
  }
}

/** The first rebalance lasts one delay, and another one while members keep arriving, up to their rebalance timeout. */
function waitForMoreMembers(turn: ClassicTurn, delayMs: number, remainingMs: number): void {
  turn.schedule(JOIN, delayMs, (later) => {
    if (!later.group.newMemberAdded || remainingMs === 0) {
      completeJoin(later);
      return;
    }
    later.group.newMemberAdded = false;
    const nextMs = Math.min(initialDelayMs(later), remainingMs);
    waitForMoreMembers(later, nextMs, Math.max(remainingMs - delayMs, 0));
  });
}

const initialDelayMs = ({ context }: ClassicTurn): number =>
  Math.max(context.config.initialRebalanceDelayMs, LEAST_INITIAL_DELAY_MS);

/** The leader remains if it has joined, else the first member that has joined replaces it; false if none has. */
function electLeaderAmongJoined(group: ClassicGroup): boolean {
  if (group.leaderId !== null && group.members.get(group.leaderId)?.join) return true;
  const successor = [...group.members.values()].find((member) => member.join);
  if (successor) group.leaderId = successor.memberId;
  return successor !== undefined;
}
