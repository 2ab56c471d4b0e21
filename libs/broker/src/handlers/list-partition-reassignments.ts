// ListPartitionReassignments, version 0: the partitions whose replicas are being reassigned, all of them or those asked for.
// What is not being reassigned, or does not exist, is left out, as in Kafka.
import type { PartitionState } from '@milepost/metadata';
import { ListPartitionReassignments } from '@milepost/wire';
import { DESCRIBE_CLUSTER } from '../security/needs.ts';
import { handler } from './handler.ts';

export const listPartitionReassignments = handler(
  ListPartitionReassignments,
  [DESCRIBE_CLUSTER],
  (request, { services, permissions, count }) => {
    const refused = permissions.refusal(DESCRIBE_CLUSTER);
    if (refused) {
      count(refused.error);
      return { errorCode: refused.error, errorMessage: refused.message, topics: [] };
    }
    const { topics } = services.image();
    const asked = request.topics
      ? request.topics.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.flatMap((index) => topics.get(name)?.partitions[index] ?? []),
        }))
      : [...topics.values()];
    return {
      topics: asked.flatMap(({ name, partitions }) => {
        const moving = partitions.filter(isBeingReassigned);
        return moving.length === 0 ? [] : [{ name, partitions: moving.map(progressOf) }];
      }),
    };
  },
);

const isBeingReassigned = ({ addingReplicas, removingReplicas }: PartitionState): boolean =>
  addingReplicas !== undefined || removingReplicas !== undefined;

const progressOf = ({ index, replicas, addingReplicas = [], removingReplicas = [] }: PartitionState) => ({
  partitionIndex: index,
  replicas,
  addingReplicas,
  removingReplicas,
});
