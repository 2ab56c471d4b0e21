// AlterPartitionReassignments, versions 0 to 1: begins to move partitions to other replicas, or cancels that (null). What needs
// no data to move is done at once (the order of replicas, fewer of them). Else the new replicas are added, copy the data and
// join the ISR; then the controller completes the reassignment. ListPartitionReassignments shows what is in progress.
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
