// The producers with state in a partition, with their last sequence and open transaction (KIP-664). Flexible from the
// start.
import { NO_OFFSET, NO_TIMESTAMP } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int32, int64, offset, string, timestamp } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

export const DescribeProducers = api({
  key: 61,
  name: 'DescribeProducers',
  versions: [0, 0],
  flexible: 0,
  request: { topics: array({ name: string, partitionIndexes: array(int32) }) },
  response: {
    throttleTimeMs,
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode,
        errorMessage: nullableString,
        activeProducers: array({
          producerId: int64,
          producerEpoch: int32,
          lastSequence: int32.default(-1),
          lastTimestamp: timestamp.default(NO_TIMESTAMP),
          coordinatorEpoch: int32,
          currentTxnStartOffset: offset.default(NO_OFFSET),
        }),
      }),
    }),
  },
});
export type DescribeProducersRequest = RequestOf<typeof DescribeProducers>;
export type DescribeProducersResponse = ResponseOf<typeof DescribeProducers>;
