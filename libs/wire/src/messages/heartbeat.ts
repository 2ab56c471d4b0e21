// A member of a classic group is alive. v3 adds static members (KIP-345), v4 is flexible.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { errorCode, int32, string } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

export const Heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  versions: [0, 4],
  flexible: 4,
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: nullableString.since(3),
  },
  response: { throttleTimeMs: throttleTimeMs.since(1), errorCode },
});
export type HeartbeatRequest = RequestOf<typeof Heartbeat>;
export type HeartbeatResponse = ResponseOf<typeof Heartbeat>;
