// A group that was read back after a restart goes on as it was: its members have a whole session to be heard of. One that
// nobody leads has just become a classic group: until all have joined again, what the last member of the consumer
// protocol had is nobody's, and nobody may be told of what another one still holds.
import { prepareRebalance } from './rebalance.ts';
import type { ClassicTurn } from './turn.ts';

export function resume(turn: ClassicTurn): void {
  const { group, context } = turn;
  for (const member of group.members.values()) turn.keepSession(member);
  if (group.members.size > context.config.maxSize) prepareRebalance(turn, 'over_capacity');
  else if (group.leaderId === null && group.members.size > 0) prepareRebalance(turn, 'member_left');
}
