// DescribeTransactions and ListTransactions (KIP-664).
import { ErrorCode, NO_TIMESTAMP, type Timestamp } from '@milepost/core';
import { compileRegex } from '../regex.ts';
import type { DescribedTransaction, ListTransactionsCommand, ListTransactionsResult } from './model/commands.ts';
import { TRANSACTION_STATES, type Transaction } from './model/transaction.ts';
import type { TransactionSlot } from './transaction-slot.ts';

/** Transient states of Kafka's that a filter may name. Nothing is ever in them here. */
const KNOWN_STATES: ReadonlySet<string> = new Set([...TRANSACTION_STATES, 'Dead', 'PrepareEpochFence']);

/** Kafka leaves the other fields at 0. */
export const undescribed = (transactionalId: string, error: ErrorCode): DescribedTransaction => ({
  error,
  transactionalId,
  state: '',
  timeoutMs: 0,
  startedAt: 0 as Timestamp,
  producerId: 0n,
  producerEpoch: 0,
  partitions: [],
});

export function describe(transactionalId: string, slot: TransactionSlot | undefined): DescribedTransaction {
  const transaction = slot?.transaction;
  if (!slot || !transaction) return undescribed(transactionalId, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND);
  const { state, timeoutMs, startedAt, producerId, producerEpoch } = transaction;
  const { partitions } = slot;
  return { error: ErrorCode.NONE, transactionalId, state, timeoutMs, startedAt, producerId, producerEpoch, partitions };
}

export const unlisted = (error: ErrorCode): ListTransactionsResult => ({ error, unknownStates: [], transactions: [] });

export function listTransactions(
  all: readonly Transaction[],
  { states, producerIds, durationMs, idPattern }: ListTransactionsCommand,
  now: Timestamp,
): ListTransactionsResult {
  const pattern = idPattern ? compileRegex(idPattern) : () => true;
  if (typeof pattern === 'string') return unlisted(ErrorCode.INVALID_REGULAR_EXPRESSION);
  const hasLasted = ({ startedAt }: Transaction): boolean => {
    // As in Kafka, where a missing start counts as the beginning of time.
    return durationMs < 0 || now - (startedAt === NO_TIMESTAMP ? -1 : startedAt) > durationMs;
  };
  const matches = (transaction: Transaction): boolean =>
    (states.length === 0 || states.includes(transaction.state)) &&
    (producerIds.length === 0 || producerIds.includes(transaction.producerId)) &&
    hasLasted(transaction) &&
    pattern(transaction.transactionalId);
  return {
    error: ErrorCode.NONE,
    unknownStates: states.filter((state) => !KNOWN_STATES.has(state)),
    transactions: all
      .filter(matches)
      .map(({ transactionalId, producerId, state }) => ({ transactionalId, producerId, state })),
  };
}
