// A token by which its owner can log in (KIP-48, KIP-373: on behalf of another user). Flexible from version 2.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bytes, errorCode, int64, long, string } from '../schema/field.ts';
import { principal, throttleTimeMs } from './parts.ts';

export const CreateDelegationToken = api({
  key: 38,
  name: 'CreateDelegationToken',
  versions: [1, 3],
  flexible: 2,
  request: {
    /** Null or empty: the requester. */
    ownerPrincipalType: string.nullable(3).default(null).since(3),
    ownerPrincipalName: string.nullable(3).default(null).since(3),
    renewers: array(principal),
    /** Not above 0: as long as the broker allows. */
    maxLifetimeMs: int64,
  },
  response: {
    errorCode,
    principalType: string,
    principalName: string,
    tokenRequesterPrincipalType: string.default('').since(3),
    tokenRequesterPrincipalName: string.default('').since(3),
    issueTimestampMs: long,
    expiryTimestampMs: long,
    maxTimestampMs: long,
    tokenId: string,
    hmac: bytes,
    throttleTimeMs,
  },
});
export type CreateDelegationTokenRequest = RequestOf<typeof CreateDelegationToken>;
export type CreateDelegationTokenResponse = ResponseOf<typeof CreateDelegationToken>;
