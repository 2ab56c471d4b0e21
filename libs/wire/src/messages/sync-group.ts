// Distributes the assignment that the leader of a classic group made. v3 adds static members (KIP-345), v4 is flexible,
// v5 names protocol type and protocol, which must be the group's (KIP-559).
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bytes, errorCode, int32, string } from '../schema/field.ts';
import { emptyByDefault, nullableString, throttleTimeMs } from './parts.ts';

export const SyncGroup = api({
  key: 14,
  name: 'SyncGroup',
  versions: [0, 5],
  flexible: 4,
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: nullableString.since(3),
    protocolType: nullableString.since(5).ignorable(),
    protocolName: nullableString.since(5).ignorable(),
    assignments: array({ memberId: string, assignment: bytes }),
  },
  response: {
    throttleTimeMs: throttleTimeMs.since(1),
    errorCode,
    protocolType: nullableString.since(5),
    protocolName: nullableString.since(5),
    assignment: emptyByDefault,
  },
});
export type SyncGroupRequest = RequestOf<typeof SyncGroup>;
export type SyncGroupResponse = ResponseOf<typeof SyncGroup>;
