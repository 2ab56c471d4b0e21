// Adds ACLs, each with its own result. v2 is flexible, v3 has user resources (KIP-373). Version 0 had no patterns and
// was removed.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int8, string } from '../schema/field.ts';
import { LITERAL_PATTERN, nullableString, throttleTimeMs } from './parts.ts';

export const CreateAcls = api({
  key: 30,
  name: 'CreateAcls',
  versions: [1, 3],
  flexible: 2,
  request: {
    creations: array({
      resourceType: int8,
      resourceName: string,
      resourcePatternType: int8.default(LITERAL_PATTERN),
      principal: string,
      host: string,
      operation: int8,
      permissionType: int8,
    }),
  },
  response: { throttleTimeMs, results: array({ errorCode, errorMessage: nullableString }) },
});
export type CreateAclsRequest = RequestOf<typeof CreateAcls>;
export type CreateAclsResponse = ResponseOf<typeof CreateAcls>;
