// The end of a transaction, as its coordinator orders it for one partition.
import { Timestamp } from '@milepost/core';
import { buildEndMarker, RecordBatch } from '@milepost/records';

export interface TransactionMarker {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly isCommit: boolean;
  /** From 2 on the producer's epoch rises with each transaction (KIP-890). */
  readonly transactionVersion: number;
}

/** The control batch of it, without its place in a log. */
export function markerBatch(marker: TransactionMarker, now: number): RecordBatch {
  const { producerId, producerEpoch, coordinatorEpoch, isCommit } = marker;
  const end = isCommit ? 'commit' : 'abort';
  const bytes = buildEndMarker({ end, coordinatorEpoch, producerId, producerEpoch, timestamp: Timestamp(now) });
  return RecordBatch.at(bytes, 0) as RecordBatch;
}
