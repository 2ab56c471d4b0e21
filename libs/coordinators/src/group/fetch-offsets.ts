// OffsetFetch: what a group has committed. Nothing committed is an answer, not an error.
import { ErrorCode, NO_LEADER_EPOCH, NO_OFFSET, type Uuid, ZERO_UUID } from '@milepost/core';
import type { StoredOffset } from './model/store.ts';
import type { FetchedOffset, FetchOffsetsCommand, FetchOffsetsResult } from './model/commands.ts';
import type { Group } from './group.ts';
import { fetchRefusal } from './consumer/offsets.ts';
import type { Offsets } from './model/offsets.ts';

export function fetchOffsets(
  group: Group | undefined,
  offsets: Offsets,
  command: FetchOffsetsCommand,
): FetchOffsetsResult {
  const refusal = group?.kind === 'consumer' ? fetchRefusal(group, command) : ErrorCode.NONE;
  if (refusal !== ErrorCode.NONE) return { error: refusal, topics: [] };
  const topics = command.topics?.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map((partition) => fetched(partition, ofTopic(offsets.get(name, partition), topicId))),
  }));
  return { error: ErrorCode.NONE, topics: topics ?? all(offsets) };
}

function all(offsets: Offsets): FetchOffsetsResult['topics'] {
  return [...offsets.topics()].map((name) => {
    const stored = [...offsets.of(name)];
    const topicId = stored[0]?.topicId ?? ZERO_UUID;
    return { name, topicId, partitions: stored.map((offset) => fetched(offset.partition, offset)) };
  });
}

/** An offset of a topic that was deleted and made again is none (KIP-848). */
function ofTopic(offset: StoredOffset | undefined, topicId: Uuid): StoredOffset | undefined {
  if (!offset || offset.topicId === ZERO_UUID || topicId === ZERO_UUID) return offset;
  return offset.topicId === topicId ? offset : undefined;
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
