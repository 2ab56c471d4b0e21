// Makes an empty share group forget topics (KIP-932). Flexible from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, string, uuid } from '../schema/field.ts';
import { noErrorByDefault, nullableString, throttleTimeMs } from './parts.ts';

export const DeleteShareGroupOffsets = api({
  key: 92,
  name: 'DeleteShareGroupOffsets',
  versions: [0, 0],
  flexible: 0,
  request: { groupId: string, topics: array({ topicName: string }) },
  response: {
    throttleTimeMs,
    errorCode: noErrorByDefault,
    errorMessage: nullableString,
    responses: array({
      topicName: string,
      topicId: uuid,
      errorCode: noErrorByDefault,
      errorMessage: nullableString,
    }),
  },
});
export type DeleteShareGroupOffsetsRequest = RequestOf<typeof DeleteShareGroupOffsets>;
export type DeleteShareGroupOffsetsResponse = ResponseOf<typeof DeleteShareGroupOffsets>;
