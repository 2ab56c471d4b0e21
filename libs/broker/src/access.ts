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
  const partition = services.storage.partitions.find(topic, index);
  if (typeof partition === 'number' || currentLeaderEpoch === NO_LEADER_EPOCH) return partition;
  if (currentLeaderEpoch < partition.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
  if (currentLeaderEpoch > partition.leaderEpoch) return ErrorCode.UNKNOWN_LEADER_EPOCH;
  return partition;
}

/** Why a partition that failed while a request waited for it cannot serve the request: its topic may be gone. */
export function errorOfFailed(failed: Partition, { services }: Context): ErrorCode {
  const now = services.storage.partitions.find(failed.topic, failed.index);
  return typeof now === 'number' ? now : ErrorCode.NOT_LEADER_OR_FOLLOWER; // another topic has the name
}

/**
 * The error code for what a partition's disk has refused; a failure of another kind is thrown on.
 * Logs the disk's refusal, with the partition's name. A failed log has logged its failure itself.
 */
export function storageErrorOf(failure: unknown, partition: Partition, context: Context): ErrorCode {
  const { topic, index } = partition;
  const { services } = context;
  if (failure instanceof LogFailed) return errorOfFailed(partition, context);
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
