// The assignor `uniform`: members differ by at most one partition where their subscriptions allow it, and keep the partitions
// that they have where the balance allows it. Balance comes before stickiness.
import { invariant, type Uuid } from '@milepost/core';
import type { MemberToAssign, Partitions } from './assignor.ts';
import { subscribersByTopic } from './range.ts';

/** With overlapping subscriptions, a partition may have to move along a chain of members. Each round shortens the chain. */
const MOST_ROUNDS = 16;

export function uniform(
  members: readonly MemberToAssign[],
  partitionsOf: (topic: Uuid) => number,
): ReadonlyMap<string, Partitions> {
  const holdings = members.map((member) => new Holding(member, partitionsOf));
  const topics = topicsToAssign(members, holdings, partitionsOf);
  if (holdings.length > 0 && topics.every(({ subscribers }) => subscribers.length === members.length))
    shareEqually(topics, holdings);
  else balance(topics);
  return new Map(holdings.map((holding) => [holding.memberId, holding.partitions()]));
}

interface TopicToAssign {
  readonly id: Uuid;
  readonly subscribers: readonly Holding[];
  /** Partitions without a member. */
  readonly free: number[];
}

/** The partitions that a member has so far; at first those of its previous target that it may keep. */
class Holding {
  readonly memberId: string;
  readonly byTopic = new Map<Uuid, number[]>();
  size = 0;

  constructor({ memberId, topics, target }: MemberToAssign, partitionsOf: (topic: Uuid) => number) {
    this.memberId = memberId;
    for (const topic of topics) {
      const kept = target[topic]?.filter((partition) => partition < partitionsOf(topic)) ?? [];
      this.byTopic.set(topic, kept);
      this.size += kept.length;
    }
  }

  of(topic: Uuid): number[] {
    const partitions = this.byTopic.get(topic);
    invariant(partitions, () => `member ${this.memberId} is not subscribed to ${topic}`);
    return partitions;
  }

  take(topic: Uuid, partition: number): void {
    this.of(topic).push(partition);
    this.size += 1;
  }

  give(topic: Uuid): number {
    const partition = this.of(topic).pop();
    invariant(partition !== undefined, () => `member ${this.memberId} has nothing of ${topic} to give`);
    this.size -= 1;
    return partition;
  }

  partitions(): Partitions {
    const held = [...this.byTopic].filter(([, partitions]) => partitions.length > 0);
    return Object.fromEntries(held.map(([topic, partitions]) => [topic, partitions.toSorted((a, b) => a - b)]));
  }
}

/** Topics with the most partitions per subscriber come first, because the others leave more freedom to balance. */
function topicsToAssign(
  members: readonly MemberToAssign[],
  holdings: readonly Holding[],
  partitionsOf: (topic: Uuid) => number,
): TopicToAssign[] {
  const byMember = new Map(members.map((member, place) => [member, holdings[place]]));
  const topics = [...subscribersByTopic(members)].map(([id, subscribed]): TopicToAssign => {
    const subscribers = subscribed.flatMap((member) => byMember.get(member) ?? []);
    const held = new Set(subscribers.flatMap((holding) => holding.of(id)));
    const all = Array.from({ length: partitionsOf(id) }, (_, partition) => partition);
    return { id, subscribers, free: all.filter((partition) => !held.has(partition)) };
  });
  const share = ({ id, subscribers }: TopicToAssign) => partitionsOf(id) / subscribers.length;
  return topics.toSorted((a, b) => share(b) - share(a) || a.subscribers.length - b.subscribers.length);
}

/** All members subscribe to the same topics: partitions beyond a member's share go to members below theirs. */
function shareEqually(topics: readonly TopicToAssign[], holdings: readonly Holding[]): void {
  const total =
    topics.reduce((sum, { free }) => sum + free.length, 0) + holdings.reduce((sum, { size }) => sum + size, 0);
  const least = Math.floor(total / holdings.length);
  let extras = total % holdings.length;
  for (const holding of holdings) {
    const keepsExtra = holding.size > least && extras > 0;
    if (keepsExtra) extras -= 1;
    for (const { id, free } of topics)
      while (holding.size > least + (keepsExtra ? 1 : 0) && holding.of(id).length > 0) free.push(holding.give(id));
  }
  const free = topics.flatMap(({ id, free: partitions }) =>
    partitions.toSorted((a, b) => a - b).map((partition) => ({ id, partition })),
  );
  let next = 0;
  for (const limit of [least, least + 1])
    for (const holding of holdings)
      for (; holding.size < limit; next++) {
        const found = free[next];
        if (!found) return;
        holding.take(found.id, found.partition);
      }
}

function balance(topics: readonly TopicToAssign[]): void {
  for (const { id, subscribers, free } of topics)
    for (const partition of free) poorest(subscribers).take(id, partition);
  for (let round = 0, moved = true; moved && round < MOST_ROUNDS; round++) {
    moved = false;
    for (const topic of topics) moved = evenOut(topic) || moved;
  }
}

function evenOut({ id, subscribers }: TopicToAssign): boolean {
  for (let moves = 0; ; moves++) {
    const rich = subscribers.filter((each) => each.of(id).length > 0).reduce<Holding | undefined>(richer, undefined);
    const poor = poorest(subscribers);
    if (!rich || rich.size - poor.size < 2) return moves > 0;
    poor.take(id, rich.give(id));
  }
}

const richer = (rich: Holding | undefined, other: Holding) => (rich && rich.size >= other.size ? rich : other);

function poorest(holdings: readonly Holding[]): Holding {
  return holdings.reduce((poor, other) => (other.size < poor.size ? other : poor));
}
