// The coordinator aborts a transaction itself if its producer was replaced, or if it has timed out. The next epoch fences the
// producer, so that it can write nothing after the marker.
import type { Timestamp } from '@milepost/core';
import { NEEDS_PRODUCER_ID, type NeedsProducerId } from './decided.ts';
import {
  bumpsEpochs,
  changed,
  epochAfter,
  isEpochExhausted,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  type Transaction,
  type TransactionVersion,
} from './model/transaction.ts';

export interface FenceContext {
  readonly now: Timestamp;
  /** The finalized level of `transaction.version`. */
  readonly version: TransactionVersion;
  readonly freshProducerId: bigint | undefined;
}

/** Call with a transaction that is open. */
export function abortByFencing(
  transaction: Transaction,
  { now, version, freshProducerId }: FenceContext,
): Transaction | NeedsProducerId {
  const { producerEpoch } = transaction;
  const fenced = { state: 'PrepareAbort', producerEpoch: epochAfter(producerEpoch) } as const;
  if (!bumpsEpochs(version))
    return changed(transaction, now, { ...fenced, lastProducerEpoch: NO_PRODUCER_EPOCH, clientVersion: 0 });
  // The producer may request the result with its old epoch, and continues in the new one.
  const isExhausted = isEpochExhausted(producerEpoch);
  if (isExhausted && freshProducerId === undefined) return NEEDS_PRODUCER_ID;
  const nextProducerId = isExhausted ? (freshProducerId as bigint) : NO_PRODUCER_ID;
  return changed(transaction, now, {
    ...fenced,
    lastProducerEpoch: producerEpoch,
    nextProducerId,
    clientVersion: version,
  });
}
