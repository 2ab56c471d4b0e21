// EndTxn: the producer commits or aborts its transaction. The decision is stored before any marker is written, and the response
// is sent then: from now on the decision can only be carried out.
//
// Up to transaction version 1 the epoch stays, so a repeated EndTxn looks like one of the next transaction; the state decides
// what it can mean. From version 2 on (KIP-890) the epoch is bumped with the decision: a repeated request carries the epoch
// before, and its response has the same epoch as the lost one.
//
//   version 2         abort                 commit
//                     repeated  current     repeated  current      current: the epoch of now
//   Empty             fenced    abort       fenced    invalid      repeated: the epoch before
//   CompleteAbort     done      abort       invalid   invalid      abort: a new epoch, although nothing was written
//   CompleteCommit    invalid   abort       done      invalid
import { ErrorCode, type Timestamp } from '@milepost/core';
import { type Decided, NEEDS_PRODUCER_ID, type NeedsProducerId } from './decided.ts';
import type { EndTransactionCommand, EndTransactionResult } from './model/commands.ts';
import {
  bumpsEpochs,
  changed,
  epochAfter,
  isCompleting,
  isEpochExhausted,
  LAST_CLIENT_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  type Transaction,
  type TransactionState,
} from './model/transaction.ts';

export interface EndContext {
  readonly now: Timestamp;
  readonly freshProducerId: bigint | undefined;
}

type Ended = Decided<EndTransactionResult> | NeedsProducerId;

export const notEnded = (error: ErrorCode): EndTransactionResult => ({
  error,
  producerId: NO_PRODUCER_ID,
  producerEpoch: NO_PRODUCER_EPOCH,
});

export function endTransaction(
  transaction: Transaction | undefined,
  command: EndTransactionCommand,
  context: EndContext,
): Ended {
  if (!transaction) return { response: notEnded(ErrorCode.INVALID_PRODUCER_ID_MAPPING) };
  return bumpsEpochs(command.clientVersion)
    ? endWithBump(transaction, command, context)
    : endInEpoch(transaction, command, context.now);
}

/** Transaction versions 0 and 1. */
function endInEpoch(transaction: Transaction, command: EndTransactionCommand, now: Timestamp): Ended {
  const { state } = transaction;
  if (transaction.producerId !== command.producerId)
    return { response: notEnded(ErrorCode.INVALID_PRODUCER_ID_MAPPING) };
  if (transaction.producerEpoch !== command.producerEpoch) return { response: notEnded(ErrorCode.PRODUCER_FENCED) };
  if (state === 'Ongoing') {
    const next = changed(transaction, now, {
      state: preparing(command),
      clientVersion: 0,
      nextProducerId: NO_PRODUCER_ID,
    });
    return { next, response: notEnded(ErrorCode.NONE) };
  }
  if (isCompleting(transaction)) return { response: notEnded(ErrorCode.CONCURRENT_TRANSACTIONS) };
  return { response: notEnded(state === complete(command) ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE) };
}

/** From transaction version 2 on. */
function endWithBump(transaction: Transaction, command: EndTransactionCommand, context: EndContext): Ended {
  const { state, producerId, producerEpoch } = transaction;
  // Before the checks below, as in Kafka: the client may end its next transaction already, in the epoch or with the producer id
  // that it got for it, before the markers of the last one are written.
  if (isCompleting(transaction)) return { response: notEnded(ErrorCode.CONCURRENT_TRANSACTIONS) };
  const repeatsOverflow =
    transaction.previousProducerId === command.producerId &&
    command.producerEpoch === LAST_CLIENT_EPOCH &&
    producerEpoch === 0;
  const repeatsBump = producerEpoch === command.producerEpoch + 1;
  const isRepeated = repeatsOverflow || repeatsBump;
  if (producerId !== command.producerId && !repeatsOverflow)
    return { response: notEnded(ErrorCode.INVALID_PRODUCER_ID_MAPPING) };

  const invalid = { response: notEnded(ErrorCode.INVALID_TXN_STATE) };
  const fenced = { response: notEnded(ErrorCode.PRODUCER_FENCED) };
  const isCurrent = producerEpoch === command.producerEpoch;
  switch (state) {
    case 'Ongoing':
      return isCurrent ? prepared(transaction, command, context) : fenced;
    case 'Empty':
      if (!isCurrent) return fenced;
      return command.isCommit ? invalid : prepared(transaction, command, context);
    default: // complete
      if (isRepeated) {
        const done = { response: { error: ErrorCode.NONE, producerId, producerEpoch } };
        return state === complete(command) ? done : invalid;
      }
      if (!isCurrent) return fenced;
      return command.isCommit ? invalid : prepared(transaction, command, context);
  }
}

function prepared(transaction: Transaction, command: EndTransactionCommand, context: EndContext): Ended {
  const { producerId, producerEpoch, state } = transaction;
  const { now, freshProducerId } = context;
  const isExhausted = isEpochExhausted(producerEpoch);
  if (isExhausted && freshProducerId === undefined) return NEEDS_PRODUCER_ID;
  const bumped = epochAfter(producerEpoch);
  const next = changed(transaction, now, {
    state: preparing(command),
    producerEpoch: bumped,
    lastProducerEpoch: producerEpoch,
    nextProducerId: isExhausted ? (freshProducerId as bigint) : NO_PRODUCER_ID,
    startedAt: state === 'Ongoing' ? transaction.startedAt : now,
    partitions: state === 'Ongoing' ? transaction.partitions : [],
    clientVersion: command.clientVersion,
  });
  const response = isExhausted
    ? { error: ErrorCode.NONE, producerId: freshProducerId as bigint, producerEpoch: 0 }
    : { error: ErrorCode.NONE, producerId, producerEpoch: bumped };
  return { next, response };
}

const preparing = ({ isCommit }: EndTransactionCommand): TransactionState =>
  isCommit ? 'PrepareCommit' : 'PrepareAbort';
const complete = ({ isCommit }: EndTransactionCommand): TransactionState =>
  isCommit ? 'CompleteCommit' : 'CompleteAbort';

/** All markers are written: call with a transaction that is completing. */
export function completed(transaction: Transaction, now: Timestamp): Transaction {
  const { state, clientVersion, nextProducerId } = transaction;
  const overflowed = bumpsEpochs(clientVersion) && nextProducerId !== NO_PRODUCER_ID;
  return changed(transaction, now, {
    state: state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
    partitions: [],
    // The client never sees the last epoch: it goes from the one before it to 0 of the next id.
    ...(overflowed && { producerId: nextProducerId, producerEpoch: 0 }),
    nextProducerId: NO_PRODUCER_ID,
  });
}
