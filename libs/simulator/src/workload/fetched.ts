// Reports the result of fetching one partition to the checkers.
import { ErrorCode, errorName, LeaderEpoch, type Offset } from '@milepost/core';
import type { ResponseOutput, Fetch } from '@milepost/wire';
import type { SimPartition } from '../model/observation.ts';
import { readBack } from './batches.ts';
import { mayBeStale, type World } from './world.ts';

/** In earlier versions the fetched topic is the one with that name at the time. */
export const FIRST_VERSION_WITH_IDS = 13;

type Answer = ResponseOutput<typeof Fetch>['responses'][number]['partitions'][number];

/**
 * Where to continue; `behind` if the log no longer has the offset, `moved` if another broker may lead the partition,
 * `refused` if it could not be read.
 */
export function tellFetched(
  world: World,
  { partition, offset: from, epoch }: Wanted,
  askedAt: number,
  answer: Answer,
): { readonly next: number } | 'behind' | 'moved' | 'refused' {
  const { errorCode, highWatermark, logStartOffset, records } = answer;
  switch (errorCode) {
    case ErrorCode.NONE: {
      const bounds = { kind: 'bounds', partition, askedAt, mayBeStale: mayBeStale(world, partition) } as const;
      world.see({ ...bounds, start: logStartOffset, end: highWatermark, ...(epoch >= 0 && { epoch }) });
      const found = readBack(records as Buffer, from);
      if (!found) return { next: from };
      world.see({ kind: 'read', partition, from, upTo: found.next, records: found.records });
      return { next: found.next };
    }
    case ErrorCode.OFFSET_OUT_OF_RANGE:
      return 'behind'; // the response has no bounds: the reader requests them
    case ErrorCode.CORRUPT_MESSAGE:
      world.see({ kind: 'refused-as-corrupt', partition, offset: from });
      return 'refused';
    case ErrorCode.UNKNOWN_TOPIC_ID:
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION: // by a broker of several that has not heard of it yet
      if (world.topics.exists(partition.topic) && (world.bootstrap.length === 1 || world.phase === 'over'))
        world.see({ kind: 'topic-denied', topic: partition.topic, error: errorName(errorCode) });
      return 'moved';
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.FENCED_LEADER_EPOCH:
    case ErrorCode.UNKNOWN_LEADER_EPOCH:
      return 'moved';
    default:
      return 'refused';
  }
}

export interface Wanted {
  readonly partition: SimPartition;
  readonly offset: number;
  /** In which the broker that is asked is to lead the partition; -1: in any. */
  readonly epoch: number;
}

export interface FetchLimits {
  readonly maxWaitMs: number;
  readonly maxBytes?: number;
  readonly partitionMaxBytes: number;
}

export const fetchBody = (wanted: readonly Wanted[], limits: FetchLimits) => ({
  maxWaitMs: limits.maxWaitMs,
  minBytes: 1,
  maxBytes: limits.maxBytes ?? 1 << 24,
  topics: [...new Set(wanted.map(({ partition }) => partition.topic))].map((topic) => ({
    topic: topic.name,
    topicId: topic.id,
    partitions: wanted
      .filter(({ partition }) => partition.topic === topic)
      .map(({ partition, offset, epoch }) => ({
        partition: partition.index,
        currentLeaderEpoch: LeaderEpoch(epoch),
        fetchOffset: offset as Offset,
        partitionMaxBytes: limits.partitionMaxBytes,
      })),
  })),
});

export const answerTo = (
  { topic, index }: SimPartition,
  response: ResponseOutput<typeof Fetch>,
  version: number,
): Answer | undefined =>
  response.responses
    .filter((one) => (version < FIRST_VERSION_WITH_IDS ? one.topic === topic.name : one.topicId === topic.id))
    .flatMap(({ partitions }) => partitions)
    .find(({ partitionIndex }) => partitionIndex === index);
