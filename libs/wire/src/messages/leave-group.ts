// Leaves a classic group. Up to v2 one member by its id; v3 takes several, static ones by instance id (KIP-345), v4 is
// flexible, v5 adds a reason (KIP-800).
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, string } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

export const LeaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  versions: [0, 5],
  flexible: 4,
  request: {
    groupId: string,
    memberId: string.until(2),
    members: array({
      memberId: string,
      groupInstanceId: nullableString,
      reason: nullableString.since(5).ignorable(),
    }).since(3),
  },
  response: {
    throttleTimeMs: throttleTimeMs.since(1),
    errorCode,
    members: array({ memberId: string, groupInstanceId: string.nullable(), errorCode }).default([]).since(3),
  },
});
export type LeaveGroupRequest = RequestOf<typeof LeaveGroup>;
export type LeaveGroupResponse = ResponseOf<typeof LeaveGroup>;
