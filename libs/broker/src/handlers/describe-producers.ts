// DescribeProducers, version 0: the idempotent producers in the state of a partition that is led here (KIP-664).
import { ErrorCode } from '@milepost/core';
import { topicNameProblem } from '@milepost/metadata';
import { DescribeProducers } from '@milepost/wire';
import type { Context } from '../services.ts';
import { READ_TOPIC } from '../security/needs.ts';
import { handler } from './handler.ts';

export const describeProducers = handler(DescribeProducers, [READ_TOPIC], ({ topics }, context) => ({
  topics: topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((index) => described(name, index, context)),
  })),
}));

function described(topic: string, partitionIndex: number, { services, permissions, count }: Context) {
  const problem = topicNameProblem(topic);
  const unauthorized = problem ? undefined : permissions.refusal(READ_TOPIC, topic);
  const partition = problem
    ? ErrorCode.INVALID_TOPIC_EXCEPTION
    : (unauthorized?.error ?? services.storage.partitions.find(topic, partitionIndex));
  if (typeof partition === 'number') {
    count(partition);
    return {
      partitionIndex,
      errorCode: partition,
      errorMessage: problem ?? unauthorized?.message ?? null,
      activeProducers: [],
    };
  }
  const activeProducers = partition.log
    .activeProducers()
    .map(({ currentTransactionStart, ...rest }) => ({ ...rest, currentTxnStartOffset: currentTransactionStart }));
  return { partitionIndex, errorCode: ErrorCode.NONE, activeProducers };
}
