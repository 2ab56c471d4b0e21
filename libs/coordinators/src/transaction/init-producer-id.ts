// InitProducerId: a new producer of a transactional id fences the former one, by the next epoch. An open transaction of the
// former one is aborted first. A producer that continues after an error names what it has (KIP-360); its request may be
// repeated, and nobody else's epoch is accepted.
import { ErrorCode, type Timestamp } from '@milepost/core';
import { type Decided, NEEDS_PRODUCER_ID, type NeedsProducerId } from './decided.ts';
import { abortByFencing } from './fence.ts';
import type { InitProducerIdCommand, InitProducerIdResult, ProducerIdAndEpoch } from './model/commands.ts';
import {
  changed,
  isEpochExhausted,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  type Transaction,
  type TransactionVersion,
  unusedTransaction,
} from './model/transaction.ts';

export interface InitContext {
  readonly now: Timestamp;
  /** An unused producer id, if one was allocated. */
  readonly freshProducerId: bigint | undefined;
  /** The finalized level of `transaction.version`. */
  readonly version: TransactionVersion;
}

export const notInitialized = (error: ErrorCode): InitProducerIdResult => ({
  error,
  producerId: NO_PRODUCER_ID,
  producerEpoch: NO_PRODUCER_EPOCH,
});

export function initProducerId(
  known: Transaction | undefined,
  command: InitProducerIdCommand,
  context: InitContext,
): Decided<InitProducerIdResult> | NeedsProducerId {
  const { now, freshProducerId, version } = context;
  if (!known && freshProducerId === undefined) return NEEDS_PRODUCER_ID;
  const transaction = known ?? unusedTransaction(command.transactionalId, freshProducerId as bigint, now);
  const { expected } = command;
  if (expected && !mayContinue(transaction, expected)) return { response: notInitialized(ErrorCode.PRODUCER_FENCED) };

  switch (transaction.state) {
    case 'PrepareCommit':
    case 'PrepareAbort':
      return { response: notInitialized(ErrorCode.CONCURRENT_TRANSACTIONS) };
    case 'Ongoing': {
      const next = abortByFencing(transaction, { now, version, freshProducerId });
      if (next === NEEDS_PRODUCER_ID) return next;
      return { next, response: notInitialized(ErrorCode.CONCURRENT_TRANSACTIONS) };
    }
    default: {
      const { producerEpoch } = transaction;
      const isExhausted = isEpochExhausted(producerEpoch) && (!expected || expected.producerEpoch === producerEpoch);
      if (isExhausted && freshProducerId === undefined) return NEEDS_PRODUCER_ID;
      return begun(transaction, command, now, isExhausted ? freshProducerId : undefined);
    }
  }
}

/** Its epoch is checked where it is bumped. */
function mayContinue(transaction: Transaction, { producerId, producerEpoch }: ProducerIdAndEpoch): boolean {
  // A transactional id that was forgotten, while its producer recovers from an error.
  if (transaction.producerEpoch === NO_PRODUCER_EPOCH) return true;
  if (producerId === transaction.producerId) return true;
  // The response that named the new producer id was lost.
  return producerId === transaction.previousProducerId && isEpochExhausted(producerEpoch);
}

function begun(
  transaction: Transaction,
  { expected, timeoutMs }: InitProducerIdCommand,
  now: Timestamp,
  newProducerId: bigint | undefined,
): Decided<InitProducerIdResult> {
  const { producerEpoch, lastProducerEpoch } = transaction;
  const begin = (epochs: Partial<Pick<Transaction, 'producerId' | 'producerEpoch' | 'lastProducerEpoch'>>) => {
    const next = changed(transaction, now, {
      state: 'Empty',
      timeoutMs,
      partitions: [],
      startedAt: -1 as Timestamp,
      ...epochs,
    });
    const response = { error: ErrorCode.NONE, producerId: next.producerId, producerEpoch: next.producerEpoch };
    return { next, response };
  };
  if (newProducerId !== undefined) {
    const last = expected ? producerEpoch : NO_PRODUCER_EPOCH;
    return begin({ producerId: newProducerId, producerEpoch: 0, lastProducerEpoch: last });
  }
  if (!expected) return begin({ producerEpoch: producerEpoch + 1, lastProducerEpoch: NO_PRODUCER_EPOCH });
  if (producerEpoch === NO_PRODUCER_EPOCH || expected.producerEpoch === producerEpoch)
    return begin({ producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch });
  // A repeated request: any other producer would have cleared the last epoch.
  if (expected.producerEpoch === lastProducerEpoch) return begin({});
  return { response: notInitialized(ErrorCode.PRODUCER_FENCED) };
}
