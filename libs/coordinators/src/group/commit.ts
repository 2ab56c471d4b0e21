// OffsetCommit: which commits are accepted, and the events that store them. The offsets of one request are one write.
import { ErrorCode, Timestamp } from '@milepost/core';
import type { GroupConfig } from './model/config.ts';
import type { GroupEvent, StoredOffset } from './model/store.ts';
import type { CommitCommand, CommitResult } from './model/commands.ts';
import type { Offsets } from './model/offsets.ts';
import type { PendingOffsets } from './model/pending-offsets.ts';
import { commitRefusal } from './consumer/offsets.ts';
import type { Group } from './group.ts';

export interface CommitDecision {
  readonly events: readonly GroupEvent[];
  readonly response: CommitResult;
  /** The member whose session a commit extends. In consumer groups only heartbeats do that. */
  readonly keepsSessionOf: string | undefined;
}

/** The offsets that a group has. */
export interface KnownOffsets {
  readonly offsets: Offsets;
  readonly pending: PendingOffsets;
}

export function commit(
  group: Group | undefined,
  command: CommitCommand,
  config: GroupConfig,
  now: Timestamp,
  known: KnownOffsets,
): CommitDecision {
  const error = refusal(group, command);
  if (error !== ErrorCode.NONE)
    return { events: [], response: committed(command, () => error), keepsSessionOf: undefined };

  const expiresAt = command.retentionTimeMs < 0 ? null : Timestamp(now + command.retentionTimeMs);
  const events = acceptedOffsets(command, config, { now, expiresAt, known }).map(
    (offset): GroupEvent => ({ type: 'offset-committed', offset }),
  );
  const response = committed(command, (metadata) =>
    fits(metadata, config) ? ErrorCode.NONE : ErrorCode.OFFSET_METADATA_TOO_LARGE,
  );
  return { events, response, keepsSessionOf: group?.kind === 'classic' ? command.memberId : undefined };
}

export const fits = (metadata: string | null, { offsetMetadataMaxBytes }: GroupConfig): boolean =>
  (metadata?.length ?? 0) <= offsetMetadataMaxBytes;

interface Acceptance {
  readonly now: Timestamp;
  readonly expiresAt: Timestamp | null;
  readonly known: KnownOffsets;
}

/** Those of the command that are accepted. */
export const acceptedOffsets = (
  { groupId, topics }: Pick<CommitCommand, 'groupId' | 'topics'>,
  config: GroupConfig,
  { now, expiresAt, known }: Acceptance,
): StoredOffset[] =>
  topics.flatMap(({ name, topicId, partitions }) =>
    partitions
      .filter(({ metadata }) => fits(metadata, config))
      .map(({ partition, offset, leaderEpoch, metadata }) => {
        const kept = { groupId, topic: name, topicId, partition, offset, leaderEpoch, metadata: metadata ?? '' };
        return { ...kept, committedAt: timeOfNext(name, partition, now, known), expiresAt };
      }),
  );

/**
 * The times of a partition's commits are in the order of the commits, by which the end of a transaction tells what came after
 * its own, though the wall clock may be set back.
 */
function timeOfNext(topic: string, partition: number, now: Timestamp, { offsets, pending }: KnownOffsets): Timestamp {
  const committedAt = offsets.get(topic, partition)?.committedAt ?? now;
  const pendingAt = pending.latest(topic, partition);
  return Timestamp(Math.max(now, committedAt, pendingAt === undefined ? now : pendingAt + 1));
}

export function committed(
  command: Pick<CommitCommand, 'topics'>,
  errorOf: (metadata: string | null) => ErrorCode,
): CommitResult {
  const topics = command.topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map(({ partition, metadata }) => ({ partition, error: errorOf(metadata) })),
  }));
  return { topics };
}

/** Members of the current generation may commit. A request without a generation may commit while the group is Empty. */
function refusal(group: Group | undefined, command: CommitCommand): ErrorCode {
  const { generation, memberId, instanceId } = command;
  if (!group) {
    if (generation < 0) return ErrorCode.NONE;
    return command.knowsGroupIdNotFound ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION;
  }
  if (group.kind === 'share')
    return command.knowsGroupIdNotFound ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION;
  if (group.kind === 'consumer') return commitRefusal(group, command);
  if (generation < 0 && group.state === 'Empty') return ErrorCode.NONE;
  if (generation < 0 && memberId === '' && instanceId === null) return ErrorCode.UNKNOWN_MEMBER_ID;
  const error = group.checkMember(memberId, instanceId);
  if (error !== ErrorCode.NONE) return error;
  if (generation !== group.generation) return ErrorCode.ILLEGAL_GENERATION;
  // Until the leader has assigned, no member owns a partition in this generation.
  return group.state === 'CompletingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}
