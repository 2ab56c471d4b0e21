// Ends transactions in the partitions that this broker leads. In `__consumer_offsets` no marker is appended: the group
// coordinator makes the offsets of the transaction real, or drops them (docs/decisions/0005).
import { ErrorCode, type TopicPartition } from '@milepost/core';
import type { TransactionMarker } from '@milepost/log';
import { OFFSETS_TOPIC } from '@milepost/metadata';
import type { LocalPartitions } from '../partitions/local-partitions.ts';
import type { TransactionalOffsets } from './ports.ts';

/** Responses of a group coordinator that does not serve the shard now. The transaction coordinator retries. */
const SHARD_IS_ELSEWHERE: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.NOT_COORDINATOR,
]);

/** Kafka fails to build such a batch, and responds as here. */
const isImpossible = ({ producerId, producerEpoch }: TransactionMarker): boolean =>
  producerId < 0n || producerEpoch < 0;

export class LocalMarkers {
  readonly #partitions: LocalPartitions;
  readonly #offsets: TransactionalOffsets;

  constructor(partitions: LocalPartitions, offsets: TransactionalOffsets) {
    this.#partitions = partitions;
    this.#offsets = offsets;
  }

  /** Resolves with NONE when the end is committed. The caller limits the wait: a second marker does no harm. */
  async append({ topic, partition: index }: TopicPartition, marker: TransactionMarker): Promise<ErrorCode> {
    if (topic === OFFSETS_TOPIC) {
      const error = await this.#offsets.transactionEnded(index, marker);
      return SHARD_IS_ELSEWHERE.has(error) ? ErrorCode.NOT_LEADER_OR_FOLLOWER : error;
    }
    const partition = this.#partitions.find(topic, index);
    if (typeof partition === 'number') return partition;
    if (isImpossible(marker)) return ErrorCode.UNKNOWN_SERVER_ERROR;
    if (partition.isUnderMinIsr) return ErrorCode.NOT_ENOUGH_REPLICAS;
    const error = await partition.appendMarker(marker);
    if (error === ErrorCode.NONE || !partition.isFailed) return error;
    // The topic may have been deleted, and another one may have its name now.
    const now = this.#partitions.find(topic, index);
    return typeof now === 'number' ? now : ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }
}
