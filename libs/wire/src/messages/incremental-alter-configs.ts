// Changes single configs of a topic or broker; others are unchanged (KIP-339). v1 is flexible.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, int8, string } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

/** SET and DELETE a value, APPEND to and SUBTRACT from a list. */
export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export const IncrementalAlterConfigs = api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: [0, 1],
  flexible: 1,
  request: {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configs: array({ name: string, configOperation: int8, value: string.nullable() }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs,
    responses: array({ errorCode, errorMessage: nullableString, resourceType: int8, resourceName: string }),
  },
});
export type IncrementalAlterConfigsRequest = RequestOf<typeof IncrementalAlterConfigs>;
export type IncrementalAlterConfigsResponse = ResponseOf<typeof IncrementalAlterConfigs>;
