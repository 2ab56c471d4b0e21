// The delegation tokens of some owners, or of all (null), with their secrets (KIP-48). Flexible from version 2.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bytes, errorCode, long, string } from '../schema/field.ts';
import { principal, throttleTimeMs } from './parts.ts';

export const DescribeDelegationToken = api({
  key: 41,
  name: 'DescribeDelegationToken',
  versions: [1, 3],
  flexible: 2,
  request: { owners: array(principal).nullable() },
  response: {
    errorCode,
    tokens: array({
      principalType: string,
      principalName: string,
      tokenRequesterPrincipalType: string.default('').since(3),
      tokenRequesterPrincipalName: string.default('').since(3),
      issueTimestamp: long,
      expiryTimestamp: long,
      maxTimestamp: long,
      tokenId: string,
      hmac: bytes,
      renewers: array(principal),
    }),
    throttleTimeMs,
  },
});
export type DescribeDelegationTokenRequest = RequestOf<typeof DescribeDelegationToken>;
export type DescribeDelegationTokenResponse = ResponseOf<typeof DescribeDelegationToken>;
