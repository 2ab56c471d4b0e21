// Adds partitions to topics (never removes any). v2 is flexible, v3 may be throttled (KIP-599).
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, brokerId, errorCode, int32, string } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

export const CreatePartitions = api({
  key: 37,
  name: 'CreatePartitions',
  versions: [0, 3],
  flexible: 2,
  request: {
    topics: array({
      name: string,
      count: int32,
      assignments: array({ brokerIds: array(brokerId) }).nullable(),
    }),
    timeoutMs: int32,
    validateOnly: bool,
  },
  response: { throttleTimeMs, results: array({ name: string, errorCode, errorMessage: nullableString }) },
});
export type CreatePartitionsRequest = RequestOf<typeof CreatePartitions>;
export type CreatePartitionsResponse = ResponseOf<typeof CreatePartitions>;
