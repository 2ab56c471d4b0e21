// DescribeTransactions, version 0: transactions that are coordinated here, by their transactional ids (KIP-664).
import { ErrorCode } from '@milepost/core';
import { DescribeTransactions } from '@milepost/wire';
import { handler } from './handler.ts';

export const describeTransactions = handler(DescribeTransactions, ({ transactionalIds }, { services, count }) => ({
  transactionStates: services.transactions.describe(transactionalIds).map(({ error, partitions, ...transaction }) => {
    if (error !== ErrorCode.NONE) count(error);
    const topics = Map.groupBy(partitions, ({ topic }) => topic);
    return {
      errorCode: error,
      transactionalId: transaction.transactionalId,
      transactionState: transaction.state,
      transactionTimeoutMs: transaction.timeoutMs,
      transactionStartTimeMs: transaction.startedAt,
      producerId: transaction.producerId,
      producerEpoch: transaction.producerEpoch,
      topics: Array.from(topics, ([topic, all]) => ({ topic, partitions: all.map(({ partition }) => partition) })),
    };
  }),
}));
