// Resumes a classic group that was loaded: each member has a whole session to send a heartbeat. A group with members and
// without a leader has just been converted from a consumer group. It rebalances, so that the partitions of the last member of
// the consumer protocol are assigned again, and no member learns of a partition that another one still holds.
import { prepareRebalance } from './rebalance.ts';
import type { ClassicTurn } from './turn.ts';

export function resume(turn: ClassicTurn): void {
  const { group, context } = turn;
  for (const member of group.members.values()) turn.keepSession(member);
  if (group.members.size > context.config.maxSize) prepareRebalance(turn, 'over_capacity');
  else if (group.leaderId === null && group.members.size > 0) prepareRebalance(turn, 'member_left');
}
