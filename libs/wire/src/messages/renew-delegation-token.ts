// Extends the time in which a delegation token is valid (KIP-48). Flexible from version 2.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { bytes, errorCode, int64, long } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

export const RenewDelegationToken = api({
  key: 39,
  name: 'RenewDelegationToken',
  versions: [1, 2],
  flexible: 2,
  request: { hmac: bytes, renewPeriodMs: int64 },
  response: { errorCode, expiryTimestampMs: long, throttleTimeMs },
});
export type RenewDelegationTokenRequest = RequestOf<typeof RenewDelegationToken>;
export type RenewDelegationTokenResponse = ResponseOf<typeof RenewDelegationToken>;
