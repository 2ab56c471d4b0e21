// Replaces all configs of a topic or broker: one that is not named returns to its default. Deprecated in favor of
// IncrementalAlterConfigs, but kafkajs still sends it. v2 is flexible.
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
