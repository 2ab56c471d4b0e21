// Deletes a group's offsets of topics that it is not subscribed to (KIP-496). Never flexible.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int32, string } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

export const OffsetDelete = api({
  key: 47,
  name: 'OffsetDelete',
  versions: [0, 0],
  flexible: 'never',
  request: {
    groupId: string,
    topics: array({ name: string, partitions: array({ partitionIndex: int32 }) }),
  },
  response: {
    errorCode,
    throttleTimeMs,
    topics: array({ name: string, partitions: array({ partitionIndex: int32, errorCode }) }),
  },
});
export type OffsetDeleteRequest = RequestOf<typeof OffsetDelete>;
export type OffsetDeleteResponse = ResponseOf<typeof OffsetDelete>;
