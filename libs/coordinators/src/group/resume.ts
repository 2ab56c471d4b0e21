// A group that was read back after a restart goes on as it was: its members have a whole session to be heard of.
import { prepareRebalance } from './rebalance.ts';
import type { Turn } from './turn.ts';

export function resume(turn: Turn): void {
  const { group, context } = turn;
  for (const member of group.members.values()) turn.keepSession(member);
  if (group.members.size > context.config.maxSize) prepareRebalance(turn, 'over_capacity');
}
