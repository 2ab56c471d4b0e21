// Brings one member one step closer to its target. First the member gives up the partitions that are not in the target, and
// confirms that. Then it gets the partitions that no other member holds. It reaches the target's epoch when it has nothing
// left to give up, so no partition ever belongs to two members.
import type { Uuid } from '@milepost/core';
import type { Owned } from './owned.ts';
import {
  type Assigned,
  assignedSince,
  type ConsumerGroup,
  type ConsumerMember,
  has,
  isReconciled,
  topicsIn,
} from './state.ts';

type Condition = (topic: Uuid, partition: number) => boolean;

/**
 * `subscriptionChanged`: by this heartbeat. Topics that it no longer reads are revoked immediately, whatever the
 * target.
 */
export function reconcile(
  group: ConsumerGroup,
  member: ConsumerMember,
  subscribed: ReadonlySet<Uuid>,
  owned: Owned,
  subscriptionChanged: boolean,
): ConsumerMember {
  const waitsForRevocation = member.state === 'unrevoked' && holdsAny(owned, member.revoking);
  if (!waitsForRevocation && !isReconciled(member, group.data.targetEpoch))
    return nextStep(group, member, subscribed, owned);
  return subscriptionChanged ? withoutUnsubscribed(member, subscribed, owned) : member;
}

function nextStep(
  group: ConsumerGroup,
  member: ConsumerMember,
  subscribed: ReadonlySet<Uuid>,
  owned: Owned,
): ConsumerMember {
  const { targetEpoch } = group.data;
  const wanted = targetOf(member, subscribed, targetEpoch);
  const kept = only(member.assigned, (topic, partition) => has(wanted, topic, partition));
  const surplus = only(member.assigned, (topic, partition) => !has(wanted, topic, partition));
  // A request that does not list its partitions still has them all.
  if (holdsAny(owned, surplus))
    return inEpoch(member, member.memberEpoch, { state: 'unrevoked', assigned: kept, revoking: surplus });

  const missing = only(wanted, (topic, partition) => !has(kept, topic, partition));
  const isFree: Condition = (topic, partition) => {
    const owner = group.ownerOf(topic, partition);
    return owner === undefined || owner === member.memberId;
  };
  const gained = only(missing, isFree);
  const state = sizeOf(gained) === sizeOf(missing) ? 'stable' : 'unreleased';
  return inEpoch(member, targetEpoch, { state, assigned: merged(kept, gained), revoking: {} });
}

function withoutUnsubscribed(member: ConsumerMember, subscribed: ReadonlySet<Uuid>, owned: Owned): ConsumerMember {
  const kept = only(member.assigned, (topic) => subscribed.has(topic));
  if (sizeOf(kept) === sizeOf(member.assigned)) return member;
  const revoking = merged(
    member.revoking,
    only(member.assigned, (topic) => !subscribed.has(topic)),
  );
  if (holdsAny(owned, revoking))
    return inEpoch(member, member.memberEpoch, { state: 'unrevoked', assigned: kept, revoking });
  return inEpoch(member, member.memberEpoch, { assigned: kept });
}

/** Remembers the epoch before this response, which may not arrive. */
function inEpoch(member: ConsumerMember, memberEpoch: number, changes: Partial<ConsumerMember>): ConsumerMember {
  return { ...member, ...changes, previousEpoch: member.memberEpoch, memberEpoch };
}

function targetOf({ target }: ConsumerMember, subscribed: ReadonlySet<Uuid>, epoch: number): Assigned {
  const topics = Object.entries(target).filter(([topic]) => subscribed.has(topic as Uuid));
  return assignedSince(Object.fromEntries(topics), epoch);
}

export function holdsAny(owned: Owned, assigned: Assigned): boolean {
  if (owned === null) return sizeOf(assigned) > 0;
  return owned.some(({ topicId, partitions }) => partitions.some((partition) => has(assigned, topicId, partition)));
}

const sizeOf = (assigned: Assigned): number =>
  topicsIn(assigned).reduce((size, [, partitions]) => size + partitions.length, 0);

function only(assigned: Assigned, condition: Condition): Assigned {
  const topics = Object.entries(assigned).map(([topic, epochs]) => {
    const left = Object.entries(epochs).filter(([partition]) => condition(topic as Uuid, Number(partition)));
    return [topic, Object.fromEntries(left)] as const;
  });
  return Object.fromEntries(topics.filter(([, epochs]) => Object.keys(epochs).length > 0));
}

export function merged(some: Assigned, more: Assigned): Assigned {
  const topics = new Set([...Object.keys(some), ...Object.keys(more)]) as Set<Uuid>;
  return Object.fromEntries([...topics].map((topic) => [topic, { ...some[topic], ...more[topic] }]));
}
