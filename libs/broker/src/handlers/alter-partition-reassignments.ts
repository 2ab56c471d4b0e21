// AlterPartitionReassignments, versions 0 to 1. A change that moves no data is applied immediately: another order of
// the replicas, or fewer replicas. New replicas are INVALID_REPLICA_ASSIGNMENT. No reassignment is ever ongoing, so
// none can be cancelled.
import { ErrorCode } from '@milepost/core';
import { AlterPartitionReassignments } from '@milepost/wire';
import { handler } from './handler.ts';

export const alterPartitionReassignments = handler(
  AlterPartitionReassignments,
  async ({ topics, allowReplicationFactorChange }, { services, count }) => {
    const wishes = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, replicas }) => ({ topic: name, partition: partitionIndex, replicas })),
    );
    const outcomes = await services.controller.cluster.reassign(wishes, allowReplicationFactorChange);
    let place = 0;
    return {
      allowReplicationFactorChange,
      responses: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          const refused = outcomes[place++];
          if (refused) count(refused.error);
          const errorCode = refused?.error ?? ErrorCode.NONE;
          return { partitionIndex, errorCode, errorMessage: refused?.message ?? null };
        }),
      })),
    };
  },
);
