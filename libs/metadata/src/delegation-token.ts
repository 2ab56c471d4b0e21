// A delegation token (KIP-48): a user logs in by it with SCRAM, with the token's id as user name and its HMAC as password. The HMAC
// is not stored: it follows from the id and `delegation.token.secret.key`.
import type { ScramCredentials } from './scram-user.ts';

export interface DelegationToken {
  readonly id: string;
  /** `User:alice`: who a client that logs in by the token is. */
  readonly owner: string;
  /** Who created it: the owner, or a user who may do that on its behalf (KIP-373). */
  readonly requester: string;
  /** Users who may extend it, beside its owner. */
  readonly renewers: readonly string[];
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** It cannot be extended beyond this time. */
  readonly endsAtMs: number;
  /** SHA-256 of the HMAC, in base64: finds the token of an HMAC, and shows whether the secret key is still the same. */
  readonly digest: string;
  /** What logins need, of the HMAC as the password. */
  readonly credentials: ScramCredentials;
}
