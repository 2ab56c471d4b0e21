// Creates topics, each with its own result. -1 partitions or replicas: the broker's default (v4, KIP-464). v5 is
// flexible and returns the new topic's configuration (KIP-525), v6 may be throttled (KIP-599), v7 returns the topic id
// (KIP-516). Versions 0 and 1 were removed.
import { ZERO_UUID } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, brokerId, errorCode, int8, int16, int32, string, uuid } from '../schema/field.ts';
import { noErrorByDefault, nullableString, throttleTimeMs } from './parts.ts';

export const CreateTopics = api({
  key: 19,
  name: 'CreateTopics',
  versions: [2, 7],
  flexible: 5,
  request: {
    topics: array({
      name: string,
      numPartitions: int32,
      replicationFactor: int16,
      assignments: array({ partitionIndex: int32, brokerIds: array(brokerId) }).default([]),
      configs: array({ name: string, value: string.nullable() }).default([]),
    }),
    timeoutMs: int32.default(60_000),
    validateOnly: bool.default(false),
  },
  response: {
    throttleTimeMs,
    topics: array({
      name: string,
      topicId: uuid.default(ZERO_UUID).since(7),
      errorCode,
      errorMessage: nullableString,
      topicConfigErrorCode: noErrorByDefault.tag(0).since(5),
      numPartitions: int32.default(-1).since(5),
      replicationFactor: int16.default(-1).since(5),
      configs: array({
        name: string,
        value: string.nullable(),
        readOnly: bool,
        configSource: int8.default(-1),
        isSensitive: bool,
      })
        .nullable()
        .default([])
        .since(5),
    }),
  },
});
export type CreateTopicsRequest = RequestOf<typeof CreateTopics>;
export type CreateTopicsResponse = ResponseOf<typeof CreateTopics>;
