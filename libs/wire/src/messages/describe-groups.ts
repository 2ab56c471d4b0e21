// State and members of classic groups. v3 can include authorized operations (KIP-430), v4 static members (KIP-345), v5
// is flexible, v6 has GROUP_ID_NOT_FOUND for a missing group (KIP-1043; before, such a group is Dead).
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, bytes, errorCode, string } from '../schema/field.ts';
import { authorizedOperations, nullableString, throttleTimeMs } from './parts.ts';

export const DescribeGroups = api({
  key: 15,
  name: 'DescribeGroups',
  versions: [0, 6],
  flexible: 5,
  request: {
    groups: array(string),
    includeAuthorizedOperations: bool.default(false).since(3),
  },
  response: {
    throttleTimeMs: throttleTimeMs.since(1),
    groups: array({
      errorCode,
      errorMessage: nullableString.since(6),
      groupId: string,
      groupState: string,
      protocolType: string,
      protocolData: string,
      members: array({
        memberId: string,
        groupInstanceId: nullableString.since(4),
        clientId: string,
        clientHost: string,
        memberMetadata: bytes,
        memberAssignment: bytes,
      }),
      authorizedOperations: authorizedOperations.since(3),
    }),
  },
});
export type DescribeGroupsRequest = RequestOf<typeof DescribeGroups>;
export type DescribeGroupsResponse = ResponseOf<typeof DescribeGroups>;
