// The log, as the dashboard needs it: followed as a member of a group, and ranges of it read again. A port, so that the
// map can be tested and shown without Kafka.
import type { Logger } from '@milepost/core';
import { type ConsumedRecord, Consumer, ensureTopics, partitionOf, productTopics, readBack } from '@milepost/streams';
import { batchTracer } from '@milepost/telemetry';
import type { Kafka } from '../../chassis/src/index.ts';

export interface Following {
  /** Why nothing is read at the moment; undefined if it is. */
  notReady(): string | undefined;
  /** Partitions that cannot be read at the moment, such as `truck_gps-0`; the others are. */
  failedPartitions(): readonly string[];
  close(): Promise<void>;
}

export interface Stretch {
  readonly topic: string;
  /** Only the partition of this key; absent: all. */
  readonly key?: string;
  /** Receive time, ms since 1970. */
  readonly fromMs: number;
}

export interface TruckLog {
  /** Creates missing topics. @throws WrongPartitions */
  prepare(): Promise<void>;
  follow(topics: readonly string[], handle: (records: readonly ConsumedRecord[]) => Promise<void>): Following;
  /**
   * From a time to the end of the log at the call, in order within a partition. Without a key, a partition that cannot
   * be read is skipped. @throws PartitionUnreadable for that of a key.
   */
  read(stretch: Stretch): AsyncIterable<readonly ConsumedRecord[]>;
}

/** The group's name is part of the product: operators look for it. */
export const groupId = 'location-dashboard';
const clientId = 'milepost-dashboard';
/** A page gets changes four times a second: a fetch for each commit of the log would mean hundreds. */
const gatherMs = 50;

export function kafkaLog(kafka: Kafka, logger: Logger): TruckLog {
  return {
    prepare: () => ensureTopics(kafka()),
    follow: (topics, handle) =>
      new Consumer({
        ...kafka(),
        groupId,
        clientId,
        topics,
        gatherMs,
        logger,
        tracer: batchTracer(groupId),
        handle,
      }),
    read: ({ topic, key, fromMs }) =>
      readBack({
        ...kafka(),
        clientId,
        topic,
        fromTimestamp: Math.max(0, fromMs),
        ...(key === undefined
          ? { unreadable: ({ message }) => logger.warn({ topic }, `${message}; the other partitions are shown`) }
          : { partitions: [partitionOf(Buffer.from(key), partitionsOf(topic))] }),
      }),
  };
}

function partitionsOf(topic: string): number {
  return productTopics.find(({ name }) => name === topic)?.partitions ?? 1;
}
