// Joins a classic consumer group. v1 adds the rebalance timeout, v4 returns an id to a new member, which joins again
// with it (KIP-394), v5 adds static members (KIP-345), v6 is flexible, v7 names the protocol type (KIP-559), v8 a
// reason (KIP-800), v9 lets a leader skip its assignment (KIP-814).
// The protocol name of a response may be null from v7 on; before, the empty string means none.
// A rebalance timeout of -1 stands for a request without one: the session timeout applies.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, bytes, errorCode, int32, string } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

export const JoinGroup = api({
  key: 11,
  name: 'JoinGroup',
  versions: [0, 9],
  flexible: 6,
  request: {
    groupId: string,
    sessionTimeoutMs: int32,
    rebalanceTimeoutMs: int32.default(-1).since(1).ignorable(),
    memberId: string,
    groupInstanceId: nullableString.since(5),
    protocolType: string,
    protocols: array({ name: string, metadata: bytes }),
    reason: nullableString.since(8).ignorable(),
  },
  response: {
    throttleTimeMs: throttleTimeMs.since(2),
    errorCode,
    generationId: int32.default(-1),
    protocolType: nullableString.since(7),
    protocolName: string.nullable(7),
    leader: string.default(''),
    skipAssignment: bool.default(false).since(9),
    memberId: string,
    members: array({ memberId: string, groupInstanceId: nullableString.since(5), metadata: bytes }).default([]),
  },
});
export type JoinGroupRequest = RequestOf<typeof JoinGroup>;
export type JoinGroupResponse = ResponseOf<typeof JoinGroup>;
