// Sets where an empty share group continues (KIP-932). Flexible from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, int32, offset, string, uuid } from '../schema/field.ts';
import { noErrorByDefault, nullableString, throttleTimeMs } from './parts.ts';

export const AlterShareGroupOffsets = api({
  key: 91,
  name: 'AlterShareGroupOffsets',
  versions: [0, 0],
  flexible: 0,
  request: {
    groupId: string,
    topics: array({ topicName: string, partitions: array({ partitionIndex: int32, startOffset: offset }) }),
  },
  response: {
    throttleTimeMs,
    errorCode: noErrorByDefault,
    errorMessage: nullableString,
    responses: array({
      topicName: string,
      topicId: uuid,
      partitions: array({ partitionIndex: int32, errorCode: noErrorByDefault, errorMessage: nullableString }),
    }),
  },
});
export type AlterShareGroupOffsetsRequest = RequestOf<typeof AlterShareGroupOffsets>;
export type AlterShareGroupOffsetsResponse = ResponseOf<typeof AlterShareGroupOffsets>;
