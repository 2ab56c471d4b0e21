// The assignor `range`: of each topic its subscribers get one range each, in the order of their ids, static members
// first. Topics of equal size with the same subscribers are thereby co-partitioned. Keeps nothing.
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
