// DeleteGroups and OffsetDelete: only groups and offsets that are not in use.
import { ErrorCode } from '@milepost/core';
import type { GroupEvent } from './model/store.ts';
import type { DeleteOffsetsCommand, DeleteOffsetsResult } from './model/commands.ts';
import type { Group } from './group.ts';
import type { Offsets } from './model/offsets.ts';
import type { PendingOffsets } from './model/pending-offsets.ts';
import { CONSUMER_PROTOCOL_TYPE } from './model/context.ts';

interface Decided<Response> {
  readonly events: readonly GroupEvent[];
  readonly response: Response;
}

export function deleteGroup(groupId: string, group: Group | undefined): Decided<ErrorCode> {
  if (!group) return { events: [], response: ErrorCode.GROUP_ID_NOT_FOUND };
  if (group.state !== 'Empty') return { events: [], response: ErrorCode.NON_EMPTY_GROUP };
  const forgotten: GroupEvent[] =
    group.kind === 'share' ? [{ type: 'share-topic-forgotten', groupId, topicId: null }] : [];
  return { events: [...forgotten, { type: 'group-deleted', groupId }], response: ErrorCode.NONE };
}

/** In a group with live consumers, only offsets of topics without a subscriber. Subscriptions of other groups are unknown. */
export function deleteOffsets(
  group: Group | undefined,
  offsets: Offsets,
  pending: PendingOffsets,
  command: DeleteOffsetsCommand,
): Decided<DeleteOffsetsResult> {
  const { groupId } = command;
  if (!group || group.kind === 'share')
    return { events: [], response: { error: ErrorCode.GROUP_ID_NOT_FOUND, topics: [] } };
  if (group.state !== 'Empty' && group.protocolType !== CONSUMER_PROTOCOL_TYPE)
    return { events: [], response: { error: ErrorCode.NON_EMPTY_GROUP, topics: [] } };

  const events = command.topics
    .filter(({ name }) => !group.isSubscribedTo(name))
    .flatMap(({ name, partitions }) =>
      partitions
        .filter((partition) => offsets.get(name, partition) ?? pending.has(name, partition))
        .map((partition): GroupEvent => ({ type: 'offset-deleted', groupId, topic: name, partition })),
    );
  const topics = command.topics.map(({ name, partitions }) => {
    const error = group.isSubscribedTo(name) ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE;
    return { name, partitions: partitions.map((partition) => ({ partition, error })) };
  });
  return { events, response: { error: ErrorCode.NONE, topics } };
}
