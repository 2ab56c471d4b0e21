// Removes the ACLs that match any of the filters, and returns them. v2 is flexible, v3 has user resources (KIP-373).
// Version 0 had no patterns and was removed.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int8, string } from '../schema/field.ts';
import { aclFilter, LITERAL_PATTERN, nullableString, throttleTimeMs } from './parts.ts';

export const DeleteAcls = api({
  key: 31,
  name: 'DeleteAcls',
  versions: [1, 3],
  flexible: 2,
  request: { filters: array(aclFilter) },
  response: {
    throttleTimeMs,
    filterResults: array({
      errorCode,
      errorMessage: nullableString,
      matchingAcls: array({
        errorCode,
        errorMessage: nullableString,
        resourceType: int8,
        resourceName: string,
        patternType: int8.default(LITERAL_PATTERN),
        principal: string,
        host: string,
        operation: int8,
        permissionType: int8,
      }),
    }),
  },
});
export type DeleteAclsRequest = RequestOf<typeof DeleteAcls>;
export type DeleteAclsResponse = ResponseOf<typeof DeleteAcls>;
