// ListOffsets, versions 1 to 11: the offset for a timestamp, or for a name: latest (the last stable one for
// read_committed), earliest, max timestamp. By timestamp it is that of the first record, not batch, at or after it;
// where there is none, -1 without an error. Nothing is tiered: earliest local is earliest; last tiered and earliest
// pending upload are -1. A name that the version does not define is UNSUPPORTED_VERSION; a partition named twice is
// INVALID_REQUEST. Epochs are those of the found offset.
import { ErrorCode, NO_OFFSET, type Offset } from '@milepost/core';
import type { Partition } from '@milepost/replication';
import { ListOffsets, type ListOffsetsRequest, type ListOffsetsResponse, ListOffsetsTime } from '@milepost/wire';
import { ledPartition, storageErrorOf } from '../access.ts';
import type { Context } from '../services.ts';
import { handler } from './handler.ts';
import { namedTwice } from './named-twice.ts';

type Asked = ListOffsetsRequest['topics'][number]['partitions'][number];
type Answered = ListOffsetsResponse['topics'][number]['partitions'][number];

const READ_UNCOMMITTED = 0;
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
  const key = (name: string, { partitionIndex }: Asked): string => `${name}-${partitionIndex}`;
  const twice = namedTwice(request.topics.flatMap(({ name, partitions }) => partitions.map((one) => key(name, one))));
  const answered = new Set<string>();
  const topics = request.topics.map(({ name, partitions }) => {
    const once = partitions.filter((asked) => {
      const isFirst = !answered.has(key(name, asked));
      answered.add(key(name, asked));
      return isFirst;
    });
    return {
      name,
      partitions: once.map((asked): Answered => {
        const { partitionIndex } = asked;
        const isTwice = twice.has(key(name, asked));
        const found = isTwice ? ErrorCode.INVALID_REQUEST : find(name, asked, request, context);
        if (typeof found !== 'number') return { partitionIndex, errorCode: ErrorCode.NONE, ...found };
        context.count(found);
        return { partitionIndex, errorCode: found };
      }),
    };
  });
  return { topics };
});

type Found = Pick<Answered, 'offset' | 'timestamp' | 'leaderEpoch'>;

function find(topic: string, asked: Asked, request: ListOffsetsRequest, context: Context): Found | ErrorCode {
  const { timestamp } = asked;
  const { isolationLevel } = request;
  if (isolationLevel !== READ_UNCOMMITTED && isolationLevel !== READ_COMMITTED) return ErrorCode.UNKNOWN_SERVER_ERROR;
  const known = FIRST_VERSION_KNOWING.get(timestamp) ?? Number.POSITIVE_INFINITY;
  if (timestamp < 0 && context.apiVersion < known) return ErrorCode.UNSUPPORTED_VERSION;
  const partition = ledPartition(context, topic, asked.partitionIndex, asked.currentLeaderEpoch);
  if (typeof partition === 'number') return partition;
  const upTo = isolationLevel === READ_COMMITTED ? partition.lastStableOffset : partition.highWatermark;
  try {
    return offsetAt(partition, timestamp, upTo);
  } catch (failure) {
    return storageErrorOf(failure, partition, context);
  }
}

function offsetAt(partition: Partition, timestamp: number, upTo: Offset): Found {
  const { log } = partition;
  switch (timestamp) {
    case ListOffsetsTime.LATEST:
      return { offset: upTo, leaderEpoch: partition.leaderEpoch };
    case ListOffsetsTime.EARLIEST:
    case ListOffsetsTime.EARLIEST_LOCAL: {
      const offset = log.logStartOffset;
      return { offset, leaderEpoch: offset < log.logEndOffset ? log.epochAt(offset) : partition.leaderEpoch };
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
