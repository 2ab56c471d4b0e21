// The checks that requests for a partition share.
import {
  type Address,
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

/** The partition, led here in the epoch that the client names, or the error code to return (KIP-320). */
export const ledPartition = (
  { services }: Context,
  topic: string,
  index: number,
  currentLeaderEpoch: LeaderEpoch,
): Partition | ErrorCode => inEpoch(services.storage.partitions.find(topic, index), currentLeaderEpoch);

/** As `ledPartition`, whether the replica here leads or follows (KIP-392). */
export const replicaOf = (
  { services }: Context,
  topic: string,
  index: number,
  currentLeaderEpoch: LeaderEpoch,
): Partition | ErrorCode => inEpoch(services.storage.partitions.findReplica(topic, index), currentLeaderEpoch);

function inEpoch(partition: Partition | ErrorCode, currentLeaderEpoch: LeaderEpoch): Partition | ErrorCode {
  if (typeof partition === 'number' || currentLeaderEpoch === NO_LEADER_EPOCH) return partition;
  if (currentLeaderEpoch < partition.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
  if (currentLeaderEpoch > partition.leaderEpoch) return ErrorCode.UNKNOWN_LEADER_EPOCH;
  return partition;
}

/** The error for a request whose partition failed while it waited: the topic may have been deleted. */
export function errorOfFailed(failed: Partition, { services }: Context): ErrorCode {
  const now = services.storage.partitions.find(failed.topic, failed.index);
  return typeof now === 'number' ? now : ErrorCode.NOT_LEADER_OR_FOLLOWER; // another topic has the name now
}

/**
 * The error code for an operation that a partition's disk refused; other failures are rethrown. Logs the disk's refusal
 * with the partition's name. A failed log has logged its failure already.
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

/** The name of the topic with this id, or undefined. */
export const topicNameOf = ({ services }: Context, topicId: Uuid): string | undefined =>
  services.image().topicsById.get(topicId)?.name;

/** Where clients of the request's listener reach a broker. One that does not have it, or is of an earlier build, has one address. */
export const addressOf = ({ peer }: Context, { host, port, listeners }: BrokerState): Address =>
  listeners?.[peer.listener] ?? { host, port };

/** KIP-951: a response to a client that used the wrong broker, or an old epoch, names the leader. */
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

  /** The addresses of the leaders named so far. */
  get nodeEndpoints(): { nodeId: BrokerId; host: string; port: number; rack: string | null }[] {
    return [...this.#brokers.values()].map((broker) => ({
      nodeId: broker.id,
      ...addressOf(this.#context, broker),
      rack: broker.rack,
    }));
  }
}
