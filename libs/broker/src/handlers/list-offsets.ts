// ListOffsets, versions 1 to 11: the offset for a timestamp, or for a name: latest (the last stable one for
// read_committed), earliest, max timestamp. By timestamp it is that of the first record, not batch, at or after it;
// where there is none, -1 without an error. Nothing is tiered: earliest local is earliest; last tiered and earliest
// pending upload are -1. A name that the version does not define is UNSUPPORTED_VERSION; a partition named twice is
// INVALID_REQUEST. Epochs are those of the found offset.
import { ErrorCode, NO_BROKER, NO_OFFSET, type Offset } from '@milepost/core';
import { MAX_TIMESTAMP } from '@milepost/log';
import type { Partition } from '@milepost/replication';
import { ListOffsets, type ListOffsetsRequest, type ListOffsetsResponse, ListOffsetsTime } from '@milepost/wire';
import { ledPartition, storageErrorOf } from '../access.ts';
import type { Context } from '../services.ts';
import { DESCRIBE_TOPIC } from '../security/needs.ts';
import { handler } from './handler.ts';
import { namedTwice } from './named-twice.ts';

type Asked = ListOffsetsRequest['topics'][number]['partitions'][number];
type Answered = ListOffsetsResponse['topics'][number]['partitions'][number];

const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const FIRST_VERSION_WITH_OFFSET_NOT_AVAILABLE = 5;

const FIRST_VERSION_KNOWING = new Map<number, number>([
  [ListOffsetsTime.LATEST, 1],
  [ListOffsetsTime.EARLIEST, 1],
  [ListOffsetsTime.MAX_TIMESTAMP, 7],
  [ListOffsetsTime.EARLIEST_LOCAL, 8],
  [ListOffsetsTime.LATEST_TIERED, 9],
  [ListOffsetsTime.EARLIEST_PENDING_UPLOAD, 11],
]);

export const listOffsets = handler(ListOffsets, [DESCRIBE_TOPIC], (request, context) => {
  const key = (name: string, { partitionIndex }: Asked): string => `${name}-${partitionIndex}`;
  const twice = namedTwice(request.topics.flatMap(({ name, partitions }) => partitions.map((one) => key(name, one))));
  const answered = new Set<string>();
  const topics: Topic<Answered | Promise<Answered>>[] = request.topics.map(({ name, partitions }) => {
    const once = partitions.filter((asked) => {
      const isFirst = !answered.has(key(name, asked));
      answered.add(key(name, asked));
      return isFirst;
    });
    return {
      name,
      partitions: once.map((asked): Answered | Promise<Answered> => {
        const answer = (found: Found | ErrorCode): Answered => answerOf(asked, found, context);
        const unauthorized = context.permissions.refusal(DESCRIBE_TOPIC, name);
        if (unauthorized) return answer(unauthorized.error);
        if (twice.has(key(name, asked))) return answer(ErrorCode.INVALID_REQUEST);
        const found = find(name, asked, request, context);
        return found instanceof Promise ? found.then(answer) : answer(found);
      }),
    };
  });
  return topics.every(isAnswered) ? { topics } : later(topics, context);
});

function answerOf({ partitionIndex }: Asked, found: Found | ErrorCode, context: Context): Answered {
  if (typeof found !== 'number') return { partitionIndex, errorCode: ErrorCode.NONE, ...found };
  context.count(found);
  return { partitionIndex, errorCode: found };
}

interface Topic<Partition> {
  readonly name: string;
  readonly partitions: readonly Partition[];
}

const isAnswered = (topic: Topic<Answered | Promise<Answered>>): topic is Topic<Answered> =>
  topic.partitions.every((partition) => !(partition instanceof Promise));

/** The connection starts nothing else while a large batch is searched. */
async function later(
  topics: readonly Topic<Answered | Promise<Answered>>[],
  context: Context,
): Promise<ListOffsetsResponse> {
  const release = context.peer.hold();
  try {
    const settled = ({ name, partitions }: (typeof topics)[number]) =>
      Promise.all(partitions.map(async (partition) => partition)).then((of) => ({ name, partitions: of }));
    return { topics: await Promise.all(topics.map(settled)) };
  } finally {
    release();
  }
}

type Found = Pick<Answered, 'offset' | 'timestamp' | 'leaderEpoch'>;

function find(
  topic: string,
  asked: Asked,
  request: ListOffsetsRequest,
  context: Context,
): Found | ErrorCode | Promise<Found | ErrorCode> {
  const { timestamp } = asked;
  const { isolationLevel } = request;
  if (isolationLevel !== READ_UNCOMMITTED && isolationLevel !== READ_COMMITTED) return ErrorCode.UNKNOWN_SERVER_ERROR;
  const known = FIRST_VERSION_KNOWING.get(timestamp) ?? Number.POSITIVE_INFINITY;
  if (timestamp < 0 && context.apiVersion < known) return ErrorCode.UNSUPPORTED_VERSION;
  const partition = ledPartition(context, topic, asked.partitionIndex, asked.currentLeaderEpoch);
  if (typeof partition === 'number') return partition;
  const isConsumer = request.replicaId === NO_BROKER;
  const committedEnd = isolationLevel === READ_COMMITTED ? partition.lastStableOffset : partition.highWatermark;
  const upTo = isConsumer ? committedEnd : partition.ownEnd;
  if (isConsumer && isAboutEnd(timestamp) && !partition.isCommittedEndKnown)
    return context.apiVersion >= FIRST_VERSION_WITH_OFFSET_NOT_AVAILABLE
      ? ErrorCode.OFFSET_NOT_AVAILABLE
      : ErrorCode.LEADER_NOT_AVAILABLE;
  const failed = (failure: unknown): ErrorCode => storageErrorOf(failure, partition, context);
  try {
    const found = offsetAt(partition, timestamp, upTo, context.services.storage.unpacking);
    return found instanceof Promise ? found.catch(failed) : found;
  } catch (failure) {
    return failed(failure);
  }
}

/** A search by time may end at the end, too. */
const isAboutEnd = (timestamp: number): boolean =>
  timestamp >= 0 || timestamp === ListOffsetsTime.LATEST || timestamp === ListOffsetsTime.MAX_TIMESTAMP;

type Unpacking = Context['services']['storage']['unpacking'];

function offsetAt(partition: Partition, timestamp: number, upTo: Offset, unpacking: Unpacking): Found | Promise<Found> {
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
      return unpacking.search(log, MAX_TIMESTAMP, upTo);
    default:
      return unpacking.search(log, timestamp, upTo);
  }
}
