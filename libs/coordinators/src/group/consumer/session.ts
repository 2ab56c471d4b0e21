// The deadlines of a member of a consumer group: its session, which each heartbeat extends, and its rebalance timeout, within
// which it must give up revoked partitions, because other members wait for them. A member of the classic protocol also has
// deadlines to join again when it is asked to, and to send SyncGroup after it has joined.
import type { RebalanceReason } from '../model/rebalance-reason.ts';
import { remove } from './leave.ts';
import type { ConsumerMember } from './state.ts';
import type { ConsumerTimers, ConsumerTurn } from './turn.ts';

export function expireConsumer(turn: ConsumerTurn, memberId: string): void {
  if (!turn.group.members.has(memberId)) return;
  logExpiry(turn, memberId, 'a member gave no sign of life in time');
  remove(turn, [memberId], 'session_expired');
}

export function watchRevocation(turn: ConsumerTurn, member: ConsumerMember): void {
  const { memberId, memberEpoch, rebalanceTimeoutMs } = member;
  const name = revocationOf(memberId);
  if (member.state !== 'unrevoked') {
    turn.after(() => turn.timers.cancel(name));
    return;
  }
  const expire = (later: ConsumerTurn): void => {
    const now = later.group.members.get(memberId);
    if (now?.state !== 'unrevoked' || now.memberEpoch !== memberEpoch) return;
    logExpiry(later, memberId, 'a member did not give up its partitions in time');
    remove(later, [memberId], 'revocation_expired');
  };
  turn.after(() => turn.timers.scheduleInConsumerGroup(name, rebalanceTimeoutMs, expire));
}

/** The group was loaded: all deadlines start again. */
export function resumeConsumers(turn: ConsumerTurn): void {
  for (const member of turn.group.data.members) {
    turn.keepSession(member.memberId);
    watchRevocation(turn, member);
  }
}

/** The member must rejoin. A repeated request does not extend the deadline. */
export function awaitJoin(turn: ConsumerTurn, memberId: string): void {
  turn.after(() => awaitJoinNow(turn.timers, turn.group.members.get(memberId)));
}

export function awaitJoinNow(timers: ConsumerTimers, member: ConsumerMember | undefined): void {
  if (!member || timers.isScheduled(joinOf(member.memberId))) return;
  const expire = expireStep(member.memberId, 'a classic member did not join in time', 'join_expired');
  timers.scheduleInConsumerGroup(joinOf(member.memberId), member.rebalanceTimeoutMs, expire);
}

export function joinArrived(turn: ConsumerTurn, memberId: string): void {
  turn.after(() => turn.timers.cancel(joinOf(memberId)));
}

export function awaitSync(turn: ConsumerTurn, { memberId, rebalanceTimeoutMs }: ConsumerMember): void {
  const expire = expireStep(memberId, 'a classic member did not ask for its assignment in time', 'sync_expired');
  turn.after(() => turn.timers.scheduleInConsumerGroup(syncOf(memberId), rebalanceTimeoutMs, expire));
}

export function syncArrived(turn: ConsumerTurn, memberId: string): void {
  turn.after(() => turn.timers.cancel(syncOf(memberId)));
}

const expireStep =
  (memberId: string, what: string, reason: RebalanceReason) =>
  (turn: ConsumerTurn): void => {
    if (!turn.group.members.get(memberId)?.classic) return;
    logExpiry(turn, memberId, what);
    remove(turn, [memberId], reason);
  };

const joinOf = (memberId: string): string => `join of ${memberId}`;
const syncOf = (memberId: string): string => `sync of ${memberId}`;

export const revocationOf = (memberId: string): string => `revocation by ${memberId}`;

function logExpiry(turn: ConsumerTurn, member: string, what: string): void {
  turn.after(() => turn.context.logger.info({ group: turn.group.groupId, member }, what));
}
