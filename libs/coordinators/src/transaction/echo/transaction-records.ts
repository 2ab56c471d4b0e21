// A transaction as a record of `__transaction_state`, in the version that Kafka 4.3 writes with transaction.version=2, and
// back. Equal states give equal bytes, because what the topic holds is compared with what it should hold. As in Kafka, the
// record lacks the epoch before the last bump.
import { MalformedMessage } from '@milepost/core';
import { TransactionRecord } from '@milepost/wire';
import type { EchoRecord } from '../../echo/topic-state.ts';
import {
  NO_PRODUCER_EPOCH,
  TRANSACTION_STATES,
  type Transaction,
  type TransactionVersion,
} from '../model/transaction.ts';

const VERSION = 1;

export const transactionKey = (transactionalId: string): Buffer => TransactionRecord.key({ transactionalId });

export function transactionRecord(transaction: Transaction): EchoRecord & { readonly value: Buffer } {
  const { transactionalId, state, partitions, timeoutMs, updatedAt, startedAt, clientVersion } = transaction;
  const { producerId, previousProducerId, nextProducerId, producerEpoch } = transaction;
  const topics = Map.groupBy(partitions, ({ topic }) => topic);
  const value = TransactionRecord.value(VERSION, {
    producerId,
    previousProducerId,
    nextProducerId,
    producerEpoch,
    transactionTimeoutMs: timeoutMs,
    // In the order of Kafka's numbers.
    transactionStatus: TRANSACTION_STATES.indexOf(state),
    transactionPartitions:
      state === 'Empty'
        ? null
        : Array.from(topics, ([topic, some]) => ({ topic, partitionIds: some.map(({ partition }) => partition) })),
    transactionLastUpdateTimestampMs: updatedAt,
    transactionStartTimestampMs: startedAt,
    clientTransactionVersion: clientVersion,
  });
  return { key: transactionKey(transactionalId), value };
}

/** Undefined for a record that is not a transaction, or not in a state of ours. */
export function readTransaction(key: Buffer, value: Buffer): Transaction | undefined {
  try {
    const transactionalId = TransactionRecord.readKey(key)?.transactionalId;
    const read = TransactionRecord.readValue(value);
    const state = TRANSACTION_STATES[read.transactionStatus];
    if (transactionalId === undefined || state === undefined) return undefined;
    return {
      transactionalId,
      producerId: read.producerId,
      previousProducerId: read.previousProducerId,
      nextProducerId: read.nextProducerId,
      producerEpoch: read.producerEpoch,
      lastProducerEpoch: NO_PRODUCER_EPOCH,
      timeoutMs: read.transactionTimeoutMs,
      state,
      partitions: (read.transactionPartitions ?? []).flatMap(({ topic, partitionIds }) =>
        partitionIds.map((partition) => ({ topic, partition })),
      ),
      startedAt: read.transactionStartTimestampMs,
      updatedAt: read.transactionLastUpdateTimestampMs,
      clientVersion: read.clientTransactionVersion as TransactionVersion,
    };
  } catch (failure) {
    if (failure instanceof MalformedMessage) return undefined;
    throw failure;
  }
}
