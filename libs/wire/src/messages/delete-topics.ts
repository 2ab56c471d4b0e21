// Deletes topics, each with its own result. v4 is flexible, v5 has error messages and may be throttled (KIP-599), v6
// names topics by name or by id (KIP-516). Version 0 was removed.
import { ZERO_UUID } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int32, string, uuid } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

export const DeleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: [1, 6],
  flexible: 4,
  request: {
    topics: array({ name: nullableString, topicId: uuid.default(ZERO_UUID) }).since(6),
    topicNames: array(string).until(5).ignorable(),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs,
    responses: array({
      name: string.nullable(6),
      topicId: uuid.default(ZERO_UUID).since(6),
      errorCode,
      errorMessage: nullableString.since(5),
    }),
  },
});
export type DeleteTopicsRequest = RequestOf<typeof DeleteTopics>;
export type DeleteTopicsResponse = ResponseOf<typeof DeleteTopics>;
