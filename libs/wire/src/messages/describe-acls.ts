// Lists ACLs that match a filter; null matches everything. v2 is flexible, v3 has user resources (KIP-373). Version 0
// had no patterns and was removed.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int8, string } from '../schema/field.ts';
import { aclFilter, LITERAL_PATTERN, nullableString, throttleTimeMs } from './parts.ts';

export const DescribeAcls = api({
  key: 29,
  name: 'DescribeAcls',
  versions: [1, 3],
  flexible: 2,
  request: aclFilter,
  response: {
    throttleTimeMs,
    errorCode,
    errorMessage: nullableString,
    resources: array({
      resourceType: int8,
      resourceName: string,
      patternType: int8.default(LITERAL_PATTERN),
      acls: array({ principal: string, host: string, operation: int8, permissionType: int8 }),
    }),
  },
});
export type DescribeAclsRequest = RequestOf<typeof DescribeAcls>;
export type DescribeAclsResponse = ResponseOf<typeof DescribeAcls>;
