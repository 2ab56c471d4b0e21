// OffsetForLeaderEpoch, versions 2 to 4: where an epoch ended here, so that a client can detect that its records were
// truncated (KIP-320). An epoch that never existed: -1 and -1, without an error.
import { ErrorCode } from '@milepost/core';
import { OffsetForLeaderEpoch, type OffsetForLeaderEpochRequest } from '@milepost/wire';
import { ledPartition } from '../access.ts';
import type { Context } from '../services.ts';
import { CLUSTER_ACTION, DESCRIBE_TOPIC } from '../security/needs.ts';
import { handler } from './handler.ts';

type Asked = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number];

export const offsetForLeaderEpoch = handler(
  OffsetForLeaderEpoch,
  [DESCRIBE_TOPIC, CLUSTER_ACTION],
  ({ topics }, context) => ({
    topics: topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((asked) => endOf(topic, asked, context)),
    })),
  }),
);

function endOf(topic: string, { partition, currentLeaderEpoch, leaderEpoch }: Asked, context: Context) {
  const { permissions } = context;
  const unauthorized = permissions.allows(CLUSTER_ACTION) ? undefined : permissions.refusal(DESCRIBE_TOPIC, topic);
  const found = unauthorized?.error ?? ledPartition(context, topic, partition, currentLeaderEpoch);
  if (typeof found === 'number') {
    context.count(found);
    return { partition, errorCode: found };
  }
  const end = found.log.endOffsetForEpoch(leaderEpoch);
  if (!end) return { partition, errorCode: ErrorCode.NONE };
  return { partition, errorCode: ErrorCode.NONE, leaderEpoch: end.epoch, endOffset: end.endOffset };
}
