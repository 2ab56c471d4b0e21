// What the responses of ShareFetch and ShareAcknowledge have in common.
import { ErrorCode, type Uuid } from '@milepost/core';

/** One entry for each topic, in the order of the partitions. */
export function groupedById<Outcome extends { readonly topicId: Uuid }, Partition>(
  outcomes: readonly Outcome[],
  partitionOf: (outcome: Outcome) => Partition,
): { topicId: Uuid; partitions: Partition[] }[] {
  const topics = new Map<Uuid, Partition[]>();
  for (const outcome of outcomes) {
    const partitions = topics.get(outcome.topicId) ?? [];
    partitions.push(partitionOf(outcome));
    topics.set(outcome.topicId, partitions);
  }
  return Array.from(topics, ([topicId, partitions]) => ({ topicId, partitions }));
}

/** The response names the leader. */
export const isAboutShareLeader = (error: ErrorCode): boolean =>
  error === ErrorCode.NOT_LEADER_OR_FOLLOWER || error === ErrorCode.FENCED_LEADER_EPOCH;
