// The checks that requests for a partition have in common.
import {
  type BrokerId,
  DiskFailed,
  ErrorCode,
  type LeaderEpoch,
  NO_BROKER,
  NO_LEADER_EPOCH,
  partitionName,
  type Uuid,
} from '@milepost/core';
import { LogFailed } from '@milepost/log';
import type { BrokerState } from '@milepost/metadata';
import type { Partition } from '@milepost/replication';
import type { Context } from './services.ts';

/** The partition, led here in the epoch that the client believes in, or the error code to answer (KIP-320). */
export function ledPartition(
  { services }: Context,
  topic: string,
  index: number,
  currentLeaderEpoch: LeaderEpoch,
): Partition | ErrorCode {
  const partition = services.partitions.find(topic, index);
  if (typeof partition === 'number' || currentLeaderEpoch === NO_LEADER_EPOCH) return partition;
  if (currentLeaderEpoch < partition.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
  if (currentLeaderEpoch > partition.leaderEpoch) return ErrorCode.UNKNOWN_LEADER_EPOCH;
  return partition;
}

/** What a partition's disk refuses is answered, and named with its partition; whatever else was thrown passes. */
export function storageErrorOf(failure: unknown, { topic, index }: Partition, { services }: Context): ErrorCode {
  if (failure instanceof LogFailed) return ErrorCode.KAFKA_STORAGE_ERROR; // the log has said it
  if (!(failure instanceof DiskFailed)) throw failure;
  const { path, code, message } = failure;
  services.host.logger.error({ path, code }, `${partitionName(topic, index)}: ${message}`);
  return ErrorCode.KAFKA_STORAGE_ERROR;
}

/** The name that goes with a topic id; undefined for an id that nobody has. */
export const topicNameOf = ({ services }: Context, topicId: Uuid): string | undefined =>
  services.image().topicsById.get(topicId)?.name;

/** KIP-951: whoever asked the wrong broker, or in an old epoch, is told in the same answer who leads. */
export class LeaderHints {
  readonly #context: Context;
  readonly #brokers = new Map<BrokerId, BrokerState>();

  constructor(context: Context) {
    this.#context = context;
  }

  leaderOf(topic: string | undefined, index: number): { leaderId: BrokerId; leaderEpoch: LeaderEpoch } {
    const image = this.#context.services.image();
    const partition = topic === undefined ? undefined : image.topics.get(topic)?.partitions[index];
    if (!partition) return { leaderId: NO_BROKER, leaderEpoch: NO_LEADER_EPOCH };
    const broker = image.brokers.get(partition.leader);
    if (broker) this.#brokers.set(broker.id, broker);
    return { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch };
  }

  /** Where the leaders named so far are found. */
  get nodeEndpoints(): { nodeId: BrokerId; host: string; port: number; rack: string | null }[] {
    return [...this.#brokers.values()].map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack }));
  }
}
