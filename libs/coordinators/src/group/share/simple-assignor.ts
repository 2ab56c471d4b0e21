// The assignor of share groups, with the name and the aims of Kafka's SimpleAssignor: every partition has a reader, every member
// has a partition if it has subscribed to any, the shares are even, and members keep what they have. With more members than
// partitions, several members read one partition. Pure.
import type { Uuid } from '@milepost/core';
import type { Partitions } from '../assignors/assignor.ts';

export const SIMPLE_ASSIGNOR = 'simple';

export interface ShareMemberToAssign {
  readonly memberId: string;
  /** Subscribed topics that exist. */
  readonly topics: readonly Uuid[];
  /** Its previous target. */
  readonly target: Partitions;
}

interface Share {
  readonly member: ShareMemberToAssign;
  /** An even share of the partitions that it may read. */
  readonly fair: number;
  readonly has: Set<string>;
}

/** `partitions`: those that may be assigned. */
export function assignShares(
  members: readonly ShareMemberToAssign[],
  partitions: Partitions,
): ReadonlyMap<string, Partitions> {
  const readers = new Map<Uuid, number>();
  for (const { topics } of members) for (const topic of topics) readers.set(topic, (readers.get(topic) ?? 0) + 1);
  const fairOf = ({ topics }: ShareMemberToAssign): number =>
    topics.reduce((sum, topic) => sum + (partitions[topic]?.length ?? 0) / (readers.get(topic) ?? 1), 0);
  const shares = members.map((member): Share => ({ member, fair: fairOf(member), has: new Set() }));
  const readersOf = new Map<string, number>();
  const give = (share: Share, topic: Uuid, partition: number): void => {
    share.has.add(nameOf(topic, partition));
    readersOf.set(nameOf(topic, partition), (readersOf.get(nameOf(topic, partition)) ?? 0) + 1);
  };
  const isFree = (topic: Uuid, partition: number): boolean => !readersOf.has(nameOf(topic, partition));
  const all = [...readers.keys()]
    .toSorted()
    .flatMap((topic) => (partitions[topic] ?? []).map((partition) => ({ topic, partition })));
  const ownedBy = ({ member }: Share, topic: Uuid, partition: number): boolean =>
    member.target[topic]?.includes(partition) === true;

  for (const share of shares)
    for (const { topic, partition } of all) {
      const mayKeep = share.has.size < Math.max(1, Math.floor(share.fair)) && share.member.topics.includes(topic);
      if (mayKeep && ownedBy(share, topic, partition) && isFree(topic, partition)) give(share, topic, partition);
    }
  for (const { topic, partition } of all) {
    if (!isFree(topic, partition)) continue;
    const able = shares.filter(({ member }) => member.topics.includes(topic));
    const least = leastOf(able, ({ has }) => has.size);
    const isStarving = least && least.has.size < Math.floor(least.fair);
    const owner = able.find((share) => ownedBy(share, topic, partition) && share.has.size < Math.ceil(share.fair));
    const next = isStarving ? least : (owner ?? least);
    if (next) give(next, topic, partition);
  }
  for (const share of shares) {
    if (share.has.size > 0) continue;
    const able = all.filter(({ topic }) => share.member.topics.includes(topic));
    const countOf = ({ topic, partition }: { topic: Uuid; partition: number }) =>
      readersOf.get(nameOf(topic, partition)) ?? 0;
    const fewest = Math.min(...able.map(countOf));
    const kept = able.find((one) => ownedBy(share, one.topic, one.partition) && countOf(one) === fewest);
    const next = kept ?? leastOf(able, countOf);
    if (next) give(share, next.topic, next.partition);
  }
  return new Map(shares.map(({ member, has }) => [member.memberId, asPartitions(all, has)]));
}

const nameOf = (topic: Uuid, partition: number): string => `${topic} ${partition}`;

/** The first one with the least. */
function leastOf<T>(all: readonly T[], sizeOf: (one: T) => number): T | undefined {
  let least: T | undefined;
  for (const one of all) if (least === undefined || sizeOf(one) < sizeOf(least)) least = one;
  return least;
}

function asPartitions(all: readonly { topic: Uuid; partition: number }[], has: ReadonlySet<string>): Partitions {
  const byTopic: Record<Uuid, number[]> = {};
  for (const { topic, partition } of all) {
    if (!has.has(nameOf(topic, partition))) continue;
    const of = byTopic[topic];
    if (of) of.push(partition);
    else byTopic[topic] = [partition];
  }
  return byTopic;
}
