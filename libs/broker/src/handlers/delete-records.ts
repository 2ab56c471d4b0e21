// DeleteRecords, versions 0 to 2: moves the start of a log forward. -1 means the high watermark; an offset beyond it is
// OFFSET_OUT_OF_RANGE. Topics that are only compacted: POLICY_VIOLATION. Internal topics: INVALID_TOPIC_EXCEPTION.
import { ErrorCode, NO_OFFSET, type Offset } from '@milepost/core';
import { isInternalTopic } from '@milepost/metadata';
import { DeleteRecords } from '@milepost/wire';
import { storageErrorOf } from '../access.ts';
import type { Context } from '../services.ts';
import { handler } from './handler.ts';

export const deleteRecords = handler(DeleteRecords, async ({ topics }, context) => ({
  topics: await Promise.all(
    topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map(async ({ partitionIndex, offset }) => {
          const outcome = await deleteBefore(name, partitionIndex, offset, context);
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
  context: Context,
): Promise<{ lowWatermark: Offset; errorCode: ErrorCode }> {
  const refuse = (errorCode: ErrorCode) => ({ lowWatermark: NO_OFFSET, errorCode });
  if (isInternalTopic(topic)) return refuse(ErrorCode.INVALID_TOPIC_EXCEPTION);
  const partition = context.services.storage.partitions.find(topic, index);
  if (typeof partition === 'number') return refuse(partition);
  if (!partition.log.config.delete) return refuse(ErrorCode.POLICY_VIOLATION);
  const offset = asked === NO_OFFSET ? partition.highWatermark : asked;
  if (offset < 0 || offset > partition.highWatermark) return refuse(ErrorCode.OFFSET_OUT_OF_RANGE);
  try {
    return { lowWatermark: await partition.deleteRecordsBefore(offset), errorCode: ErrorCode.NONE };
  } catch (failure) {
    return refuse(storageErrorOf(failure, partition, context));
  }
}
