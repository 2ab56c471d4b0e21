// Transactions by their transactional ids, as their coordinator knows them (KIP-664). Flexible from the start.
import { NO_TIMESTAMP } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int16, int32, int64, string, timestamp } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

export const DescribeTransactions = api({
  key: 65,
  name: 'DescribeTransactions',
  versions: [0, 0],
  flexible: 0,
  request: { transactionalIds: array(string) },
  response: {
    throttleTimeMs,
    transactionStates: array({
      errorCode,
      transactionalId: string,
      transactionState: string.default(''),
      transactionTimeoutMs: int32.default(0),
      transactionStartTimeMs: timestamp.default(NO_TIMESTAMP),
      producerId: int64.default(0n),
      producerEpoch: int16.default(0),
      topics: array({ topic: string, partitions: array(int32) }).default([]),
    }),
  },
});
export type DescribeTransactionsRequest = RequestOf<typeof DescribeTransactions>;
export type DescribeTransactionsResponse = ResponseOf<typeof DescribeTransactions>;
