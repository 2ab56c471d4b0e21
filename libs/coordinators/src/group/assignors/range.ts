// The assignor `range`: each subscriber of a topic gets one range of its partitions, in the order of the member ids, static
// members first. So topics of equal size with the same subscribers are co-partitioned. It is not sticky.
import type { Uuid } from '@milepost/core';
import type { MemberToAssign, Partitions } from './assignor.ts';

export function range(
  members: readonly MemberToAssign[],
  partitionsOf: (topic: Uuid) => number,
): ReadonlyMap<string, Partitions> {
  const assigned = new Map<string, Record<Uuid, readonly number[]>>(members.map(({ memberId }) => [memberId, {}]));
  for (const [topic, subscribers] of subscribersByTopic(members.toSorted(byStableId))) {
    const each = Math.floor(partitionsOf(topic) / subscribers.length);
    const extra = partitionsOf(topic) % subscribers.length;
    let next = 0;
    for (const [place, { memberId }] of subscribers.entries()) {
      const length = each + (place < extra ? 1 : 0);
      const own = assigned.get(memberId);
      if (own && length > 0) own[topic] = Array.from({ length }, (_, at) => next + at);
      next += length;
    }
  }
  return assigned;
}

export function subscribersByTopic(members: readonly MemberToAssign[]): ReadonlyMap<Uuid, readonly MemberToAssign[]> {
  const subscribers = new Map<Uuid, MemberToAssign[]>();
  for (const member of members)
    for (const topic of member.topics) {
      const others = subscribers.get(topic);
      if (others) others.push(member);
      else subscribers.set(topic, [member]);
    }
  return subscribers;
}

function byStableId(a: MemberToAssign, b: MemberToAssign): number {
  if ((a.instanceId === null) !== (b.instanceId === null)) return a.instanceId === null ? 1 : -1;
  const [left, right] = [a.instanceId ?? a.memberId, b.instanceId ?? b.memberId];
  return left < right ? -1 : Number(left > right);
}
