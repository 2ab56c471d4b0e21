// AlterPartitionReassignments, versions 0 to 1: begins to move partitions to other replicas, or cancels that (null). What needs
// no data to move is done at once (the order of replicas, fewer of them). Else the new replicas are added, copy the data and
// join the ISR; then the controller completes the reassignment. ListPartitionReassignments shows what is in progress.
import { ErrorCode } from '@milepost/core';
import { AlterPartitionReassignments } from '@milepost/wire';
import { ALTER_CLUSTER } from '../security/needs.ts';
import { handler } from './handler.ts';

export const alterPartitionReassignments = handler(
  AlterPartitionReassignments,
  [ALTER_CLUSTER],
  async ({ topics, allowReplicationFactorChange }, { services, permissions, count }) => {
    const refusedAll = permissions.refusal(ALTER_CLUSTER);
    const wishes = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, replicas }) => ({ topic: name, partition: partitionIndex, replicas })),
    );
    const outcomes = refusedAll
      ? wishes.map(() => refusedAll)
      : await services.controller.cluster.reassign(wishes, allowReplicationFactorChange);
    let place = 0;
    return {
      allowReplicationFactorChange,
      errorCode: refusedAll?.error ?? ErrorCode.NONE,
      errorMessage: refusedAll?.message ?? null,
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
