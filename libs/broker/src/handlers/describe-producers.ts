// DescribeProducers, version 0: the idempotent producers in the state of a partition that is led here (KIP-664).
import { ErrorCode } from '@milepost/core';
import { topicNameProblem } from '@milepost/metadata';
import { DescribeProducers } from '@milepost/wire';
import type { Context } from '../services.ts';
import { handler } from './handler.ts';

export const describeProducers = handler(DescribeProducers, ({ topics }, context) => ({
  topics: topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => described(name, index, context)),
  })),
}));

function described(topic: string, partitionIndex: number, { services, count }: Context) {
  const problem = topicNameProblem(topic);
  const partition = problem
    ? ErrorCode.INVALID_TOPIC_EXCEPTION
    : services.storage.partitions.find(topic, partitionIndex);
  if (typeof partition === 'number') {
    count(partition);
    return { partitionIndex, errorCode: partition, errorMessage: problem ?? null, activeProducers: [] };
  }
  const activeProducers = partition.log
    .activeProducers()
    .map(({ currentTransactionStart, ...rest }) => ({ ...rest, currentTxnStartOffset: currentTransactionStart }));
  return { partitionIndex, errorCode: ErrorCode.NONE, activeProducers };
}
