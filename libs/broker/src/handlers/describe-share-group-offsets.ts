// DescribeShareGroupOffsets, versions 0 and 1 (KIP-932): where share groups are. v1 has the lag (KIP-1226): the records up to the
// high watermark that are not done. It is -1 for a partition that has no replica on this broker.
import { ErrorCode, LeaderEpoch, type Uuid, ZERO_UUID } from '@milepost/core';
import { CoordinatorStoreUnavailable, NO_START_OFFSET, type ShareStateSummary } from '@milepost/coordinators';
import { DescribeShareGroupOffsets, type DescribeShareGroupOffsetsRequest } from '@milepost/wire';
import { topicNameOf } from '../access.ts';
import { DESCRIBE_GROUP, DESCRIBE_TOPIC } from '../security/needs.ts';
import type { Context } from '../services.ts';
import { handler } from './handler.ts';

const NO_LAG = -1;

export const describeShareGroupOffsets = handler(
  DescribeShareGroupOffsets,
  [DESCRIBE_GROUP, DESCRIBE_TOPIC],
  async ({ groups }, context) => ({ groups: await Promise.all(groups.map((group) => described(group, context))) }),
);

type AskedGroup = DescribeShareGroupOffsetsRequest['groups'][number];

async function described({ groupId, topics }: AskedGroup, context: Context) {
  const { services, permissions, count } = context;
  const failed = (errorCode: ErrorCode, errorMessage: string | null = null) => {
    count(errorCode);
    return { groupId, topics: [], errorCode, errorMessage };
  };
  const refused = permissions.refusal(DESCRIBE_GROUP, groupId);
  if (refused) return failed(refused.error);
  const known = services.groups.sharePartitions(groupId);
  if (typeof known === 'number') return failed(known);
  try {
    const summaries = await services.sharing.store.summaries(groupId);
    const of = (topicId: Uuid, partition: number) =>
      known[topicId]?.includes(partition)
        ? summaries.find((one) => one.topicId === topicId && one.partition === partition)
        : undefined;
    if (topics) return { groupId, topics: topics.map((topic) => topicOf(topic, of, context)) };
    const all = Object.entries(known).flatMap(([id, partitions]) => {
      const topicName = topicNameOf(context, id as Uuid);
      const isVisible = topicName !== undefined && permissions.allows(DESCRIBE_TOPIC, topicName);
      return isVisible ? [topicOf({ topicName, partitions: [...partitions] }, of, context)] : [];
    });
    return { groupId, topics: all };
  } catch (failure) {
    if (!(failure instanceof CoordinatorStoreUnavailable)) throw failure;
    return failed(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'The offsets cannot be read now.');
  }
}

function topicOf(
  { topicName, partitions }: { readonly topicName: string; readonly partitions: readonly number[] },
  of: (topicId: Uuid, partition: number) => ShareStateSummary | undefined,
  context: Context,
) {
  const refused = context.permissions.refusal(DESCRIBE_TOPIC, topicName);
  if (refused) {
    context.count(refused.error);
    const nothing = { startOffset: NO_START_OFFSET, errorCode: refused.error, errorMessage: refused.message };
    const refusedPartitions = partitions.map((partitionIndex) => ({ partitionIndex, ...nothing }));
    return { topicName, topicId: ZERO_UUID, partitions: refusedPartitions };
  }
  const topicId = context.services.image().topics.get(topicName)?.id ?? ZERO_UUID;
  return {
    topicName,
    topicId,
    partitions: partitions.map((partitionIndex) => {
      const found = of(topicId, partitionIndex);
      if (!found) return { partitionIndex, startOffset: NO_START_OFFSET };
      const { startOffset, leaderEpoch } = found;
      const lag = lagOf(topicName, found, context);
      return { partitionIndex, startOffset, leaderEpoch: LeaderEpoch(Math.max(0, leaderEpoch)), lag };
    }),
  };
}

function lagOf(topic: string, { partition, startOffset, doneCount }: ShareStateSummary, { services }: Context): number {
  const replica = services.storage.partitions.findReplica(topic, partition);
  if (typeof replica === 'number' || startOffset === NO_START_OFFSET) return NO_LAG;
  return Math.max(0, replica.highWatermark - startOffset - doneCount);
}
