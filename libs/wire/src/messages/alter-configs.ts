// Replaces all settings of a topic or broker: what is not named goes back to its default. Deprecated in favour of
// IncrementalAlterConfigs, and still what kafkajs sends. v2 is flexible.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, int8, string } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

export const AlterConfigs = api({
  key: 33,
  name: 'AlterConfigs',
  versions: [0, 2],
  flexible: 2,
  request: {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configs: array({ name: string, value: string.nullable() }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs,
    responses: array({ errorCode, errorMessage: nullableString, resourceType: int8, resourceName: string }),
  },
});
export type AlterConfigsRequest = RequestOf<typeof AlterConfigs>;
export type AlterConfigsResponse = ResponseOf<typeof AlterConfigs>;
