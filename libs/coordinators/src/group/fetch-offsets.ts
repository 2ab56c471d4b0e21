// OffsetFetch: what a group has committed. A partition without a committed offset is not an error. An offset of a topic's
// former life counts as none, also where the client names the topic by name (Kafka compares ids only if the client sends
// them, and relies on the removal of such offsets).
import { ErrorCode, NO_LEADER_EPOCH, NO_OFFSET, type Uuid, ZERO_UUID } from '@milepost/core';
import type { StoredOffset } from './model/store.ts';
import type { TopicCatalog } from './model/topic-catalog.ts';
import { isOrphaned } from './orphaned-offsets.ts';
import type { FetchedOffset, FetchOffsetsCommand, FetchOffsetsResult } from './model/commands.ts';
import type { Group } from './group.ts';
import { fetchRefusal } from './consumer/offsets.ts';
import { Offsets } from './model/offsets.ts';
import { PendingOffsets } from './model/pending-offsets.ts';

export interface FetchedGroup {
  readonly group?: Group | undefined;
  readonly offsets?: Offsets;
  readonly pending?: PendingOffsets;
}

export function fetchOffsets(
  { group, offsets = new Offsets(), pending = new PendingOffsets() }: FetchedGroup,
  command: FetchOffsetsCommand,
  catalog: TopicCatalog,
): FetchOffsetsResult {
  if (group?.kind === 'share') return { error: ErrorCode.GROUP_ID_NOT_FOUND, topics: [] };
  const refusal = group?.kind === 'consumer' ? fetchRefusal(group, command) : ErrorCode.NONE;
  if (refusal !== ErrorCode.NONE) return { error: refusal, topics: [] };
  const topics = command.topics?.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map((partition) =>
      fetched(partition, ofTopic(offsets.get(name, partition), topicId, catalog)),
    ),
  }));
  const found = topics ?? all(offsets, catalog);
  return { error: ErrorCode.NONE, topics: command.requireStable ? unstable(found, pending) : found };
}

/** An offset that an open transaction may change is not stable (KIP-447). */
function unstable(topics: FetchOffsetsResult['topics'], pending: PendingOffsets): FetchOffsetsResult['topics'] {
  if (pending.isEmpty) return topics;
  return topics.map((topic) => ({
    ...topic,
    partitions: topic.partitions.map((one) =>
      pending.has(topic.name, one.partition)
        ? { ...fetched(one.partition, undefined), error: ErrorCode.UNSTABLE_OFFSET_COMMIT }
        : one,
    ),
  }));
}

function all(offsets: Offsets, catalog: TopicCatalog): FetchOffsetsResult['topics'] {
  return [...offsets.topics()].flatMap((name) => {
    const stored = [...offsets.of(name)].filter((offset) => !isOrphaned(offset, catalog));
    if (stored.length === 0) return [];
    const topicId = stored[0]?.topicId ?? ZERO_UUID;
    return [{ name, topicId, partitions: stored.map((offset) => fetched(offset.partition, offset)) }];
  });
}

function ofTopic(offset: StoredOffset | undefined, topicId: Uuid, catalog: TopicCatalog): StoredOffset | undefined {
  if (!offset || isOrphaned(offset, catalog)) return undefined;
  const isOfTopic = offset.topicId === ZERO_UUID || topicId === ZERO_UUID || offset.topicId === topicId;
  return isOfTopic ? offset : undefined;
}

function fetched(partition: number, stored: StoredOffset | undefined): FetchedOffset {
  return {
    partition,
    error: ErrorCode.NONE,
    offset: stored?.offset ?? NO_OFFSET,
    leaderEpoch: stored?.leaderEpoch ?? NO_LEADER_EPOCH,
    metadata: stored?.metadata ?? '',
  };
}
