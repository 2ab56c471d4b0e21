// The groups of this coordinator. v3 is flexible, v4 filters by state (KIP-518), v5 by type (KIP-848); no filter is all.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, string } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

export const ListGroups = api({
  key: 16,
  name: 'ListGroups',
  versions: [0, 5],
  flexible: 3,
  request: {
    statesFilter: array(string).default([]).since(4),
    typesFilter: array(string).default([]).since(5),
  },
  response: {
    throttleTimeMs: throttleTimeMs.since(1),
    errorCode,
    groups: array({ groupId: string, protocolType: string, groupState: string.since(4), groupType: string.since(5) }),
  },
});
export type ListGroupsRequest = RequestOf<typeof ListGroups>;
export type ListGroupsResponse = ResponseOf<typeof ListGroups>;
