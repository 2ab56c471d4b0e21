// The end of a session: a member that gave no sign of life, or an id given out that never came back, is removed.
import { completeJoinIfAllHaveJoined, rebalance } from './rebalance.ts';
import type { ClassicTurn } from './turn.ts';

export function expireSession(turn: ClassicTurn, memberId: string): void {
  const { group } = turn;
  const member = group.members.get(memberId);
  if (!member) {
    turn.remove(memberId);
    completeJoinIfAllHaveJoined(turn);
    return;
  }
  // Who waits for an answer of ours cannot heartbeat; the answer begins its session anew. One that has never been
  // answered may have gone meanwhile: it is let go, and comes again if it lives.
  if ((member.join || member.sync) && !member.isNew) return;
  turn.after(() =>
    turn.context.logger.info({ group: group.groupId, member: memberId }, 'a member gave no sign of life in time'),
  );
  turn.remove(memberId);
  rebalance(turn, 'session_expired');
}
