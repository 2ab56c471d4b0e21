// Moves partitions to other replicas, or cancels that: null replicas (KIP-455). v1 can forbid a change of the
// replication factor (KIP-860). Flexible from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, brokerId, errorCode, int32, string } from '../schema/field.ts';
import { noErrorByDefault, nullableString, throttleTimeMs } from './parts.ts';

export const AlterPartitionReassignments = api({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: [0, 1],
  flexible: 0,
  request: {
    timeoutMs: int32.default(60_000),
    allowReplicationFactorChange: bool.default(true).since(1),
    topics: array({
      name: string,
      partitions: array({ partitionIndex: int32, replicas: array(brokerId).nullable().default(null) }),
    }),
  },
  response: {
    throttleTimeMs,
    allowReplicationFactorChange: bool.default(true).since(1),
    errorCode: noErrorByDefault,
    errorMessage: nullableString,
    responses: array({
      name: string,
      partitions: array({ partitionIndex: int32, errorCode, errorMessage: nullableString }),
    }),
  },
});
export type AlterPartitionReassignmentsRequest = RequestOf<typeof AlterPartitionReassignments>;
export type AlterPartitionReassignmentsResponse = ResponseOf<typeof AlterPartitionReassignments>;
