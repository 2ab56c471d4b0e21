// What the descriptions of consumer groups and of share groups have in common.
import type { ErrorCode, Uuid } from '@milepost/core';
import type { TopicCatalog } from './topic-catalog.ts';

export interface DescribedAssignment {
  readonly topicId: Uuid;
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** Of a group that is not there, or not of that kind. */
export const emptyDescription = (groupId: string, error: ErrorCode, errorMessage: string | null) => ({
  error,
  errorMessage,
  groupId,
  state: '' as const,
  groupEpoch: 0,
  assignmentEpoch: 0,
  assignor: '',
  members: [],
});

/** A topic may come more than once; one that does not exist is left out. */
export function withNames(
  partitions: Iterable<readonly [Uuid, readonly number[]]>,
  catalog: TopicCatalog,
): DescribedAssignment[] {
  const byTopic = new Map<Uuid, readonly number[]>();
  for (const [topicId, more] of partitions) byTopic.set(topicId, [...(byTopic.get(topicId) ?? []), ...more]);
  return [...byTopic].flatMap(([topicId, all]) => {
    const topic = catalog.withId(topicId);
    return topic ? [{ topicId, topic: topic.name, partitions: all }] : [];
  });
}
