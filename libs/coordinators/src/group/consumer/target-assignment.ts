// The target assignment: the partitions that each member should have, computed once per group epoch by the assignor that most
// members prefer. Each heartbeat brings its member one step closer (reconcile.ts).
import { invariant, type Uuid } from '@milepost/core';
import type { GroupConfig } from '../model/config.ts';
import type { AssignorName } from '../assignors/assignor.ts';
import { ASSIGNORS } from '../assignors/named.ts';
import { hasElapsed } from './elapsed.ts';
import type { ConsumerGroup } from './state.ts';
import { topicIdsOf } from './subscription.ts';
import type { ConsumerTurn } from './turn.ts';

/** At most one assignment per interval, so that members that arrive together cost only one. */
export function retarget(turn: ConsumerTurn): void {
  const { group, now, context } = turn;
  const { groupEpoch, targetEpoch, targetAt, members } = group.data;
  const isDue = targetAt === 0 || hasElapsed(turn.config.consumerAssignmentIntervalMs, targetAt, now);
  if (targetEpoch >= groupEpoch || !isDue) return;

  const { catalog } = context;
  const assign = ASSIGNORS[assignorOf(group, context.config)];
  const subscribed = members.map((member) => ({ ...member, topics: topicIdsOf(group, member, catalog) }));
  const targets = assign(subscribed, (topic: Uuid) => catalog.withId(topic)?.partitions ?? 0);
  const targeted = members.map((member) => ({ ...member, target: targets.get(member.memberId) ?? {} }));
  turn.group = group.with({ members: targeted, targetEpoch: groupEpoch, targetAt: now });
}

/** The assignor with the most votes; without votes, the broker's default. */
export function assignorOf(group: ConsumerGroup, config: GroupConfig): AssignorName {
  const votes = new Map<string, number>();
  for (const { assignor } of group.data.members)
    if (assignor !== null) votes.set(assignor, (votes.get(assignor) ?? 0) + 1);
  const [winner] = [...votes].toSorted(([, a], [, b]) => b - a);
  const name = config.consumerAssignors.find((each) => each === winner?.[0]) ?? config.consumerAssignors[0];
  invariant(name, () => 'group.consumer.assignors is empty');
  return name;
}
