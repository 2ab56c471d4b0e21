// The end of a session: removes a member that sent nothing in time, or a member id that was issued and never used.
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
  // A member that waits for our response cannot heartbeat; its session starts again with the response. A member that never
  // had a response may be gone: it is removed, and joins again if it is alive.
  if ((member.join || member.sync) && !member.isNew) return;
  turn.after(() =>
    turn.context.logger.info({ group: group.groupId, member: memberId }, 'a member gave no sign of life in time'),
  );
  turn.remove(memberId);
  rebalance(turn, 'session_expired');
}
