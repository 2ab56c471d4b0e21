// Ongoing reassignments of partitions to other replicas (KIP-455). Null topics mean all. Flexible from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, brokerId, int32, string } from '../schema/field.ts';
import { noErrorByDefault, nullableString, throttleTimeMs } from './parts.ts';

export const ListPartitionReassignments = api({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: [0, 0],
  flexible: 0,
  request: {
    timeoutMs: int32.default(60_000),
    topics: array({ name: string, partitionIndexes: array(int32) })
      .nullable()
      .default(null),
  },
  response: {
    throttleTimeMs,
    errorCode: noErrorByDefault,
    errorMessage: nullableString,
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        replicas: array(brokerId),
        addingReplicas: array(brokerId),
        removingReplicas: array(brokerId),
      }),
    }),
  },
});
export type ListPartitionReassignmentsRequest = RequestOf<typeof ListPartitionReassignments>;
export type ListPartitionReassignmentsResponse = ResponseOf<typeof ListPartitionReassignments>;
