// The two deadlines of a member: its session, which every heartbeat prolongs, and the time that it may take to give up
// what it is not to have any more, for the others wait for that.
import { remove } from './leave.ts';
import type { ConsumerMember } from './state.ts';
import type { ConsumerTurn } from './turn.ts';

export function expireConsumer(turn: ConsumerTurn, memberId: string): void {
  if (!turn.group.members.has(memberId)) return;
  tell(turn, memberId, 'a member gave no sign of life in time');
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
    tell(later, memberId, 'a member did not give up its partitions in time');
    remove(later, [memberId], 'revocation_expired');
  };
  turn.after(() => turn.timers.scheduleInConsumerGroup(name, rebalanceTimeoutMs, expire));
}

/** After a restart everybody has all of the time again. */
export function resumeConsumers(turn: ConsumerTurn): void {
  for (const member of turn.group.data.members) {
    turn.keepSession(member.memberId);
    watchRevocation(turn, member);
  }
}

export const revocationOf = (memberId: string): string => `revocation by ${memberId}`;

function tell(turn: ConsumerTurn, member: string, what: string): void {
  turn.after(() => turn.context.logger.info({ group: turn.group.groupId, member }, what));
}
