// Verifies JSON Web Tokens (RFC 7519) that somebody else has signed: for Kafka's OAUTHBEARER, for devices, for the page.
//
// Promises:
// - A token counts only with a signature by a key of the issuer, an expiry that is not over, and the expected issuer and
//   audience. The algorithm is one of public keys: `none` and HMAC with a public key as its secret are refused.
// - A refusal has a reason for the log, with what was expected and what was seen. The client must not receive it.
// Never: logs or returns a token or a part of its signature; parses a token that is longer than LONGEST_TOKEN_BYTES.
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import { JwtKeys, type JwtKeysDeps, type JwtKeysSettings, KeysUnavailable } from './jwt-keys.ts';

/** As much as HTTP servers accept of all headers. */
export const LONGEST_TOKEN_BYTES = 16_384;

const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const LONGEST_SUBJECT = 256;
const SHOWN_CHARS = 100;
const DOT = '.'.charCodeAt(0);

export interface JwtSettings {
  readonly keys: JwtKeysSettings;
  /** Undefined: any. */
  readonly issuer: string | undefined;
  /** The token is for one of these. Empty: for any. */
  readonly audience: readonly string[];
  readonly clockSkewSeconds: number;
  /** The claim that names the subject, usually `sub`. */
  readonly subjectClaim: string;
}

export interface VerifiedJwt {
  readonly kind: 'verified';
  readonly subject: string;
  /** ms since 1970, by the clock of this host: the accepted skew is included. */
  readonly expiresAtMs: number;
  readonly claims: JWTPayload;
}

export type JwtVerification =
  | VerifiedJwt
  | { readonly kind: 'refused'; readonly reason: string }
  /** It cannot be verified now. */
  | { readonly kind: 'unavailable'; readonly reason: string };

export class JwtVerifier {
  readonly #settings: JwtSettings;
  readonly #clock: JwtKeysDeps['clock'];
  readonly #keys: JwtKeys;

  constructor(deps: JwtKeysDeps, settings: JwtSettings) {
    this.#settings = settings;
    this.#clock = deps.clock;
    this.#keys = new JwtKeys(deps, settings.keys);
  }

  /** Reads the keys of the issuer; a failure is in the log. */
  readAhead(): Promise<void> {
    return this.#keys.readAhead();
  }

  /** Never rejects. */
  async verify(token: string): Promise<JwtVerification> {
    const { issuer, audience, clockSkewSeconds, subjectClaim } = this.#settings;
    if (token.length > LONGEST_TOKEN_BYTES)
      return refused(`the token has ${token.length} bytes, expected at most ${LONGEST_TOKEN_BYTES}`);
    try {
      const { payload } = await jwtVerify(token, (header, jws) => this.#keys.find(header, jws), {
        algorithms: ALGORITHMS,
        requiredClaims: ['exp'],
        clockTolerance: clockSkewSeconds,
        currentDate: new Date(this.#clock.now()),
        ...(issuer !== undefined && { issuer }),
        ...(audience.length > 0 && { audience: [...audience] }),
      });
      const subject = Object.hasOwn(payload, subjectClaim) ? payload[subjectClaim] : undefined;
      if (!isPrincipalName(subject))
        return refused(
          `claim ${subjectClaim}: expected a text of 1 to ${LONGEST_SUBJECT} printable characters, seen ${shown(subject)}`,
        );
      const expiresAtMs = Math.min(((payload.exp as number) + clockSkewSeconds) * 1_000, Number.MAX_SAFE_INTEGER);
      return { kind: 'verified', subject, expiresAtMs, claims: payload };
    } catch (failure) {
      if (failure instanceof KeysUnavailable) return { kind: 'unavailable', reason: failure.message };
      return refused(this.#reasonOf(failure as Error, token));
    }
  }

  #reasonOf(failure: Error, token: string): string {
    if (failure instanceof errors.JWTExpired) return `the token expired at ${dateOf(failure.payload.exp)}`;
    if (failure instanceof errors.JWTClaimValidationFailed) return this.#claimMismatch(failure);
    if (failure instanceof errors.JOSEAlgNotAllowed)
      return `algorithm: expected one of ${ALGORITHMS.join(', ')}, seen ${headerOf(token, 'alg')}`;
    if (failure instanceof errors.JWKSNoMatchingKey)
      return `the issuer has no key ${headerOf(token, 'kid')} for ${headerOf(token, 'alg')}`;
    if (failure instanceof errors.JWKSMultipleMatchingKeys)
      return 'the token does not name its key (kid), and the issuer has several that could be meant';
    if (failure instanceof errors.JWSSignatureVerificationFailed) return 'the signature is not by the key it names';
    if (failure instanceof errors.JWSInvalid || failure instanceof errors.JWTInvalid)
      return 'the text is not a signed JSON Web Token';
    return `the token cannot be verified: ${shown(failure.message)}`;
  }

  #claimMismatch({ claim, payload }: errors.JWTClaimValidationFailed): string {
    const seen = shown(payload[claim]);
    if (claim === 'iss') return `issuer: expected ${this.#settings.issuer}, seen ${seen}`;
    if (claim === 'aud') return `audience: expected ${this.#settings.audience.join(' or ')}, seen ${seen}`;
    if (claim === 'nbf') return `the token is not valid before ${dateOf(payload.nbf)}`;
    return `claim ${claim}: expected a time, seen ${seen}`;
  }
}

/** Three parts, of which the first is the beginning of a JSON object. */
export const isTokenLike = (bytes: Buffer): boolean =>
  bytes.subarray(0, 3).toString('latin1') === 'eyJ' && bytes.filter((byte) => byte === DOT).length === 2;

/** The claim of that name; otherwise what the dots in the name lead to: `realm_access.roles`. */
export function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let found: unknown = claims;
  for (const name of path.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

const refused = (reason: string): JwtVerification => ({ kind: 'refused', reason });

/** A principal's name is in logs, record headers and ACLs. */
export const isPrincipalName = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= LONGEST_SUBJECT && /^[^\p{C}\p{Zl}\p{Zp}]+$/u.test(value);

const shown = (value: unknown): string => (value === undefined ? 'none' : JSON.stringify(value).slice(0, SHOWN_CHARS));

/** A date beyond what a Date can hold is shown as its number. */
function dateOf(seconds: unknown): string {
  const date = new Date(Number(seconds) * 1_000);
  return Number.isNaN(date.getTime()) ? shown(seconds) : date.toISOString();
}

function headerOf(token: string, name: 'alg' | 'kid'): string {
  try {
    return shown(decodeProtectedHeader(token)[name]);
  } catch {
    return 'none';
  }
}
