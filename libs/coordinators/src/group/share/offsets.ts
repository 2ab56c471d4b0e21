// AlterShareGroupOffsets and DeleteShareGroupOffsets, of groups without members; and topics that are gone.
import { ErrorCode, type Uuid, ZERO_UUID } from '@milepost/core';
import type { Partitions } from '../assignors/assignor.ts';
import type { GroupEvent } from '../model/store.ts';
import type { TopicCatalog } from '../model/topic-catalog.ts';
import type {
  AlterShareOffsetsCommand,
  AlterShareOffsetsResult,
  DeleteShareOffsetsCommand,
  DeleteShareOffsetsResult,
} from './commands.ts';
import { type GroupFound, notFound, type ShareDecision } from './heartbeat.ts';
import { ShareGroup, withPartitions } from './state.ts';

const NOT_EMPTY = { error: ErrorCode.NON_EMPTY_GROUP, message: 'The group is not empty.' };

/** Creates the group if there is none, as in Kafka. */
export function alterShareOffsets(
  found: GroupFound,
  { groupId, topics }: AlterShareOffsetsCommand,
  catalog: TopicCatalog,
): ShareDecision<AlterShareOffsetsResult> {
  const failed = (error: ErrorCode, message: string | null) => ({
    events: [],
    response: { error, message, topics: [] },
  });
  const group = found ?? new ShareGroup(groupId);
  if (!(group instanceof ShareGroup)) {
    const { error, errorMessage } = notFound(groupId, found);
    return failed(error, errorMessage);
  }
  if (!group.isDeserted) return failed(NOT_EMPTY.error, NOT_EMPTY.message);

  const events: GroupEvent[] = [];
  let { initialized } = group.data;
  const results = topics.map(({ name, partitions }) => {
    const topic = catalog.named(name);
    const known = partitions.filter(({ partition }) => topic && partition >= 0 && partition < topic.partitions);
    if (topic && known.length > 0)
      initialized = withPartitions(
        initialized,
        topic.id,
        known.map(({ partition }) => partition),
      );
    for (const { partition, startOffset } of topic ? known : [])
      events.push({
        type: 'share-partition-initialized',
        groupId,
        topicId: topic?.id ?? ZERO_UUID,
        partition,
        startOffset,
        resets: true,
      });
    return {
      name,
      topicId: topic?.id ?? ZERO_UUID,
      partitions: partitions.map((one) => ({
        partition: one.partition,
        error: known.includes(one) ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      })),
    };
  });
  const stored = group.with({ initialized }).stored;
  return {
    events: events.length > 0 ? [{ type: 'group-stored', group: stored }, ...events] : [],
    response: { error: ErrorCode.NONE, message: null, topics: results },
  };
}

export function deleteShareOffsets(
  found: GroupFound,
  { groupId, topics }: DeleteShareOffsetsCommand,
  catalog: TopicCatalog,
): ShareDecision<DeleteShareOffsetsResult> {
  const failed = (error: ErrorCode, message: string | null) => ({
    events: [],
    response: { error, message, topics: [] },
  });
  if (!(found instanceof ShareGroup)) {
    const { error, errorMessage } = notFound(groupId, found);
    return failed(error, errorMessage);
  }
  if (!found.isDeserted) return failed(NOT_EMPTY.error, NOT_EMPTY.message);
  const { initialized } = found.data;
  const results = topics.map((name) => {
    const topicId = catalog.idOf(name) ?? ZERO_UUID;
    const unknown = (message: string) => ({ name, topicId, error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message });
    if (topicId === ZERO_UUID) return unknown('This server does not host this topic-partition.');
    if (!initialized[topicId]) return unknown('There is no offset information to delete.');
    return { name, topicId, error: ErrorCode.NONE, message: null };
  });
  const gone = results.filter(({ error }) => error === ErrorCode.NONE).map(({ topicId }) => topicId);
  return { events: forgotten(found, gone), response: { error: ErrorCode.NONE, message: null, topics: results } };
}

/** The group forgets topics that were deleted. */
export function withoutDeletedTopics(group: ShareGroup, catalog: TopicCatalog): readonly GroupEvent[] {
  const known = Object.keys(group.data.initialized) as Uuid[];
  return forgotten(
    group,
    known.filter((id) => catalog.withId(id) === undefined),
  );
}

function forgotten(group: ShareGroup, topicIds: readonly Uuid[]): readonly GroupEvent[] {
  if (topicIds.length === 0) return [];
  const { groupId, data } = group;
  const left = Object.entries(data.initialized).filter(([id]) => !topicIds.includes(id as Uuid));
  const initialized: Partitions = Object.fromEntries(left);
  return [
    { type: 'group-stored', group: group.with({ initialized }).stored },
    ...topicIds.map((topicId): GroupEvent => ({ type: 'share-topic-forgotten', groupId, topicId })),
  ];
}
