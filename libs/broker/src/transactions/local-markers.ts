// Ends transactions in the partitions that this broker leads. In `__consumer_offsets` no marker is appended: the offsets of the
// transaction become real in the group coordinator, or are dropped there.
import { ErrorCode, errorName, type TopicPartition } from '@milepost/core';
import type { MarkerOutcome, MarkerWriter, TransactionMarker } from '@milepost/coordinators';
import { OFFSETS_TOPIC } from '@milepost/metadata';
import type { LocalPartitions } from '../partitions/local-partitions.ts';
import type { TransactionalOffsets } from './ports.ts';

export class LocalMarkers implements MarkerWriter {
  readonly #partitions: LocalPartitions;
  readonly #offsets: TransactionalOffsets;

  constructor(partitions: LocalPartitions, offsets: TransactionalOffsets) {
    this.#partitions = partitions;
    this.#offsets = offsets;
  }

  async write({ topic, partition: index }: TopicPartition, marker: TransactionMarker): Promise<MarkerOutcome> {
    if (topic === OFFSETS_TOPIC) return outcomeOf(await this.#offsets.transactionEnded(index, marker));
    if (!this.#partitions.image.topics.get(topic)?.partitions[index]) return 'gone';
    const partition = this.#partitions.find(topic, index);
    return outcomeOf(typeof partition === 'number' ? partition : await partition.appendMarker(marker));
  }
}

function outcomeOf(error: ErrorCode): MarkerOutcome {
  if (error === ErrorCode.NONE) return 'written';
  return error === ErrorCode.INVALID_PRODUCER_EPOCH ? 'obsolete' : { later: errorName(error) };
}
