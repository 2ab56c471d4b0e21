// Sets when a delegation token ends (KIP-48); a period below 0 ends it at once. Flexible from version 2.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { bytes, errorCode, int64, long } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

export const ExpireDelegationToken = api({
  key: 40,
  name: 'ExpireDelegationToken',
  versions: [1, 2],
  flexible: 2,
  request: { hmac: bytes, expiryTimePeriodMs: int64 },
  response: { errorCode, expiryTimestampMs: long, throttleTimeMs },
});
export type ExpireDelegationTokenRequest = RequestOf<typeof ExpireDelegationToken>;
export type ExpireDelegationTokenResponse = ResponseOf<typeof ExpireDelegationToken>;
