// ListOffsets, versions 1 to 11: the offset of a moment, or of a name: latest (the last stable one for read_committed),
// earliest, max timestamp. By time: the first record, not batch, at or after it; none is offset -1 without an error.
// Nothing is tiered: earliest local is earliest; last tiered and earliest pending upload are -1. A name that the version
// does not know is UNSUPPORTED_VERSION; a partition named twice is INVALID_REQUEST. Epochs are those of the offset found.
import { ErrorCode, NO_LEADER_EPOCH, NO_OFFSET, type Offset } from '@milepost/core';
import type { Partition } from '@milepost/replication';
import { ListOffsets, type ListOffsetsRequest, type ListOffsetsResponse, ListOffsetsTime } from '@milepost/wire';
import { ledPartition } from '../access.ts';
import type { Context } from '../services.ts';
import { handler } from './handler.ts';

type Asked = ListOffsetsRequest['topics'][number]['partitions'][number];
type Answered = ListOffsetsResponse['topics'][number]['partitions'][number];

const READ_COMMITTED = 1;

const FIRST_VERSION_KNOWING = new Map<number, number>([
  [ListOffsetsTime.LATEST, 1],
  [ListOffsetsTime.EARLIEST, 1],
  [ListOffsetsTime.MAX_TIMESTAMP, 7],
  [ListOffsetsTime.EARLIEST_LOCAL, 8],
  [ListOffsetsTime.LATEST_TIERED, 9],
  [ListOffsetsTime.EARLIEST_PENDING_UPLOAD, 11],
]);

export const listOffsets = handler(ListOffsets, (request, context) => {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const { name, partitions } of request.topics)
    for (const { partitionIndex } of partitions) {
      const key = `${name}-${partitionIndex}`;
      if (seen.has(key)) twice.add(key);
      seen.add(key);
    }
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((asked): Answered => {
      const isTwice = twice.has(`${name}-${asked.partitionIndex}`);
      const found = isTwice ? ErrorCode.INVALID_REQUEST : find(name, asked, request, context);
      if (typeof found !== 'number')
        return { partitionIndex: asked.partitionIndex, errorCode: ErrorCode.NONE, ...found };
      context.count(found);
      return { partitionIndex: asked.partitionIndex, errorCode: found };
    }),
  }));
  return { topics };
});

type Found = Pick<Answered, 'offset' | 'timestamp' | 'leaderEpoch'>;

function find(topic: string, asked: Asked, request: ListOffsetsRequest, context: Context): Found | ErrorCode {
  const { timestamp } = asked;
  const known = FIRST_VERSION_KNOWING.get(timestamp) ?? Number.POSITIVE_INFINITY;
  if (timestamp < 0 && context.apiVersion < known) return ErrorCode.UNSUPPORTED_VERSION;
  const partition = ledPartition(context, topic, asked.partitionIndex, asked.currentLeaderEpoch);
  if (typeof partition === 'number') return partition;
  const upTo = request.isolationLevel === READ_COMMITTED ? partition.lastStableOffset : partition.highWatermark;
  return offsetAt(partition, timestamp, upTo);
}

function offsetAt(partition: Partition, timestamp: number, upTo: Offset): Found {
  const { log } = partition;
  switch (timestamp) {
    case ListOffsetsTime.LATEST:
      return { offset: upTo, leaderEpoch: partition.leaderEpoch };
    case ListOffsetsTime.EARLIEST:
    case ListOffsetsTime.EARLIEST_LOCAL: {
      const offset = log.logStartOffset;
      return { offset, leaderEpoch: offset < log.logEndOffset ? log.epochAt(offset) : NO_LEADER_EPOCH };
    }
    case ListOffsetsTime.LATEST_TIERED:
    case ListOffsetsTime.EARLIEST_PENDING_UPLOAD:
      return { offset: NO_OFFSET };
    case ListOffsetsTime.MAX_TIMESTAMP:
      return log.maxTimestamp(upTo) ?? {};
    default:
      return log.offsetForTimestamp(timestamp, upTo) ?? {};
  }
}
