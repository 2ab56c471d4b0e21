// Downgrade: when the last member of the consumer protocol leaves, the members of the classic protocol become a classic group
// again. It is Stable, its assignments are what the members hold, and it rebalances at once. It is stored without a leader, so
// that a coordinator that loads it before the end of that rebalance starts it again. Kafka stores the members' targets instead.
// Then, if the group were upgraded in the midst of that rebalance, a partition that a member has yet to give up would be given
// to another one.
import type { Timestamp } from '@milepost/core';
import type { GroupConfig } from '../model/config.ts';
import type { StoredGroup } from '../model/store.ts';
import type { TopicCatalog } from '../model/topic-catalog.ts';
import { stableGroup } from '../classic/stored.ts';
import { ClassicGroup, type Member, NO_ASSIGNMENT } from '../classic/state.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../model/context.ts';
import { assignmentBytes, type ClassicFace, protocolsOf } from '../consumer/embedded-protocol.ts';
import { merged } from '../consumer/reconcile.ts';
import { type ConsumerGroup, type ConsumerMember, partitionsIn } from '../consumer/state.ts';
import { refreshTopics } from '../consumer/subscription.ts';
import type { ConsumerTurn } from '../consumer/turn.ts';

type ClassicMember = ConsumerMember & { readonly classic: ClassicFace };

/** Ends a turn that removed members. */
export function downgradeOrRebalance(turn: ConsumerTurn): void {
  if (turn.removal === undefined) return;
  const { members } = turn.group.data;
  const { config, catalog } = turn.context;
  if (mayDowngrade(members, config)) turn.becomes = downgraded(turn.group, members, catalog, turn.now, true);
  else refreshTopics(turn, turn.removal);
}

/** Whether a consumer group with these members becomes classic. */
export function mayDowngrade(members: readonly ConsumerMember[], config: GroupConfig): members is ClassicMember[] {
  const isAllowed = config.migrationPolicy === 'bidirectional' || config.migrationPolicy === 'downgrade';
  const fits = members.length > 0 && members.length <= config.maxSize;
  return isAllowed && fits && members.every(({ classic }) => classic !== null);
}

export function downgraded(
  { groupId, data }: ConsumerGroup,
  members: readonly ClassicMember[],
  catalog: TopicCatalog,
  now: Timestamp,
  rebalances: boolean,
): StoredGroup {
  const group = new ClassicGroup(groupId, now);
  group.generation = data.groupEpoch;
  for (const member of members) group.add(asClassic(member), CONSUMER_PROTOCOL_TYPE);
  group.protocolName = group.chooseProtocol();
  if (rebalances) group.leaderId = null;
  const assignments = new Map(
    members.map(({ memberId, assigned, revoking, classic }) => {
      const held = partitionsIn(merged(assigned, revoking));
      return [memberId, assignmentBytes(held, classic, catalog)];
    }),
  );
  return stableGroup(group, now, ({ memberId }) => assignments.get(memberId) ?? NO_ASSIGNMENT);
}

const asClassic = (member: ClassicMember): Member => ({
  memberId: member.memberId,
  instanceId: member.instanceId,
  clientId: member.clientId,
  clientHost: member.clientHost,
  sessionTimeoutMs: member.classic.sessionTimeoutMs,
  rebalanceTimeoutMs: member.rebalanceTimeoutMs,
  protocols: protocolsOf(member.classic),
  assignment: NO_ASSIGNMENT,
  held: NO_ASSIGNMENT,
  isNew: false,
  join: undefined,
  sync: undefined,
});
