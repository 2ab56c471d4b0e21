// AlterPartitionReassignments, versions 0 to 1. What needs no data to move is done at once (the order of replicas, fewer of
// them); new replicas are INVALID_REPLICA_ASSIGNMENT. Nothing is ever under way, so there is nothing to call off.
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
