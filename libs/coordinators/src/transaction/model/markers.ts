// The markers by which a coordinator ends a transaction in its partitions.
import type { TopicPartition } from '@milepost/core';
import type { TransactionVersion } from './transaction.ts';

export interface TransactionMarker {
  readonly producerId: bigint;
  /** From transaction version 2 on, already the epoch of the next transaction: older writes are fenced by the marker. */
  readonly producerEpoch: number;
  /** The leader epoch of the coordinator's partition: a partition refuses markers of a coordinator that was replaced. */
  readonly coordinatorEpoch: number;
  readonly isCommit: boolean;
  readonly transactionVersion: TransactionVersion;
}

/**
 * written: the marker is committed there. gone: the partition was deleted, with its part of the transaction.
 * obsolete: the partition has seen a later epoch of the producer, whose transactions begin only after this one has ended.
 * later: its leader cannot write it now; `reason` is for the log.
 */
export type MarkerOutcome = 'written' | 'gone' | 'obsolete' | { readonly later: string };

export interface MarkerWriter {
  /** Never rejects. */
  write(partition: TopicPartition, marker: TransactionMarker): Promise<MarkerOutcome>;
}
