// DeleteRecords, versions 0 to 2: moves the start of a log forward. -1 means the high watermark; an offset beyond it is
// OFFSET_OUT_OF_RANGE. Topics that are only compacted: POLICY_VIOLATION. Internal topics: INVALID_TOPIC_EXCEPTION.
//
// The response waits until the logs of the other replicas start there too, those of the in-sync replicas that are down
// included: one of them may lead next. Kafka waits for those that are alive.
import { ErrorCode, NO_OFFSET, type Offset } from '@milepost/core';
import { isAlive, isInternalTopic } from '@milepost/metadata';
import type { Partition } from '@milepost/replication';
import { DeleteRecords } from '@milepost/wire';
import { storageErrorOf } from '../access.ts';
import type { Context } from '../services.ts';
import { DELETE_TOPIC } from '../security/needs.ts';
import { handler } from './handler.ts';

export const deleteRecords = handler(DeleteRecords, [DELETE_TOPIC], async ({ topics, timeoutMs }, context) => ({
  topics: await Promise.all(
    topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map(async ({ partitionIndex, offset }) => {
          const outcome = await deleteBefore(name, partitionIndex, offset, timeoutMs, context);
          context.count(outcome.errorCode);
          return { partitionIndex, ...outcome };
        }),
      ),
    })),
  ),
}));

async function deleteBefore(
  topic: string,
  index: number,
  asked: Offset,
  timeoutMs: number,
  context: Context,
): Promise<{ lowWatermark: Offset; errorCode: ErrorCode }> {
  const refuse = (errorCode: ErrorCode) => ({ lowWatermark: NO_OFFSET, errorCode });
  const unauthorized = context.permissions.refusal(DELETE_TOPIC, topic);
  if (unauthorized) return refuse(unauthorized.error);
  if (isInternalTopic(topic)) return refuse(ErrorCode.INVALID_TOPIC_EXCEPTION);
  const partition = context.services.storage.partitions.find(topic, index);
  if (typeof partition === 'number') return refuse(partition);
  if (!partition.log.config.delete) return refuse(ErrorCode.POLICY_VIOLATION);
  const offset = asked === NO_OFFSET ? partition.highWatermark : asked;
  if (offset < 0 || offset > partition.highWatermark) return refuse(ErrorCode.OFFSET_OUT_OF_RANGE);
  try {
    await partition.deleteRecordsBefore(offset);
    const errorCode = await followed(partition, offset, timeoutMs, context);
    return { lowWatermark: lowWatermark(partition, context), errorCode };
  } catch (failure) {
    return refuse(storageErrorOf(failure, partition, context));
  }
}

/** NONE once no replica that may lead next has records below the offset. */
async function followed(partition: Partition, offset: Offset, timeoutMs: number, context: Context): Promise<ErrorCode> {
  const { leaderEpoch } = partition;
  const isOver = (): boolean => partition.isFailed || !partition.isLeader || partition.leaderEpoch !== leaderEpoch;
  const outcome = await context.services.storage.delayedProduces.wait({
    partitions: [partition],
    timeoutMs,
    isMet: () => isOver() || lowWatermark(partition, context) >= offset,
  });
  if (isOver()) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
  return outcome === 'met' ? ErrorCode.NONE : ErrorCode.REQUEST_TIMED_OUT;
}

const lowWatermark = (partition: Partition, { services }: Context): Offset =>
  partition.lowWatermark((broker) => isAlive(services.image(), broker));
