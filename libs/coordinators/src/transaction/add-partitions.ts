// AddPartitionsToTxn and AddOffsetsToTxn: a partition is added to the transaction before its first batch is written. The first
// partition begins the transaction.
import { ErrorCode, partitionName, type Timestamp } from '@milepost/core';
import { type Decided, refused } from './decided.ts';
import type { AddPartitionsCommand, ProducerIdAndEpoch, VerifyPartitionsCommand } from './model/commands.ts';
import { changed, isCompleting, type Transaction } from './model/transaction.ts';

export function addPartitions(
  transaction: Transaction | undefined,
  command: AddPartitionsCommand,
  now: Timestamp,
): Decided<ErrorCode> {
  // Before the checks of id and epoch, as in Kafka: the client may have the producer id that the last transaction ends with.
  if (transaction && isCompleting(transaction)) return refused(ErrorCode.CONCURRENT_TRANSACTIONS);
  const refusal = refusalOf(transaction, command);
  if (!transaction || refusal !== ErrorCode.NONE) return refused(refusal);
  const known = new Set(transaction.partitions.map(nameOf));
  const added = command.partitions.filter((one) => !known.has(nameOf(one)));
  const isOngoing = transaction.state === 'Ongoing';
  if (isOngoing && added.length === 0) return { response: ErrorCode.NONE };
  const partitions = [...new Map(added.map((one) => [nameOf(one), one])).values()];
  const next = changed(transaction, now, {
    state: 'Ongoing',
    partitions: isOngoing ? [...transaction.partitions, ...partitions] : partitions,
    startedAt: isOngoing ? transaction.startedAt : now,
    clientVersion: command.clientVersion,
  });
  return { next, response: ErrorCode.NONE };
}

/** Whether a producer may write to these partitions now, in their order (KIP-890). */
export function verifyPartitions(transaction: Transaction | undefined, command: VerifyPartitionsCommand): ErrorCode[] {
  const refusal = refusalOf(transaction, command);
  if (!transaction || refusal !== ErrorCode.NONE) return command.partitions.map(() => refusal);
  const known = new Set(transaction.partitions.map(nameOf));
  return command.partitions.map((one) => (known.has(nameOf(one)) ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE));
}

function refusalOf(transaction: Transaction | undefined, { producerId, producerEpoch }: ProducerIdAndEpoch): ErrorCode {
  if (!transaction || transaction.producerId !== producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
  if (transaction.producerEpoch !== producerEpoch) return ErrorCode.PRODUCER_FENCED;
  return isCompleting(transaction) ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.NONE;
}

const nameOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  partitionName(topic, partition);
