// DescribeTransactions, version 0: transactions that are coordinated here, by their transactional ids (KIP-664).
import { ErrorCode } from '@milepost/core';
import { DescribeTransactions } from '@milepost/wire';
import { DESCRIBE_TOPIC, DESCRIBE_TRANSACTION } from '../security/needs.ts';
import { handler } from './handler.ts';

export const describeTransactions = handler(
  DescribeTransactions,
  [DESCRIBE_TRANSACTION, DESCRIBE_TOPIC],
  ({ transactionalIds }, { services, permissions, count }) => {
    const refusals = transactionalIds.map((id) => permissions.refusal(DESCRIBE_TRANSACTION, id));
    const visible = transactionalIds.filter((_id, at) => !refusals[at]);
    const refused = transactionalIds.flatMap((transactionalId, at) => {
      const errorCode = refusals[at]?.error;
      if (errorCode === undefined) return [];
      count(errorCode);
      return [{ errorCode, transactionalId }];
    });
    const described = services.transactions.describe(visible).map(({ error, partitions, ...transaction }) => {
      if (error !== ErrorCode.NONE) count(error);
      const topics = Map.groupBy(
        partitions.filter(({ topic }) => permissions.allows(DESCRIBE_TOPIC, topic)),
        ({ topic }) => topic,
      );
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
    });
    return { transactionStates: [...refused, ...described] };
  },
);
