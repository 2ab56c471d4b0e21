// An issuer of tokens for tests: signs what it is told to, and has its public keys as a key set.
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

export class TokenIssuer {
  readonly issuer = 'https://issuer.example';
  readonly audience = 'milepost';
  /** By their ids. */
  readonly #keys = new Map<string, KeyPair>();

  static async withKey(kid = 'first'): Promise<TokenIssuer> {
    const issuer = new TokenIssuer();
    await issuer.addKey(kid);
    return issuer;
  }

  async addKey(kid: string): Promise<void> {
    this.#keys.set(kid, await generateKeyPair('ES256', { extractable: true }));
  }

  /** The key set, without those that have gone. */
  async keySet(without: readonly string[] = []): Promise<string> {
    const keys = [];
    for (const [kid, { publicKey }] of this.#keys)
      if (!without.includes(kid)) keys.push({ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' });
    return JSON.stringify({ keys });
  }

  /** Of the subject, for an hour from `nowMs` on; `claims` replace or, with undefined, remove those. */
  async token(subject: string, nowMs = Date.now(), claims: JWTPayload = {}, kid = 'first'): Promise<string> {
    const pair = this.#keys.get(kid);
    if (!pair) throw new Error(`the issuer has no key ${kid}`);
    const now = Math.floor(nowMs / 1_000);
    const all = { sub: subject, iss: this.issuer, aud: this.audience, iat: now, exp: now + 3_600, ...claims };
    return new SignJWT(all).setProtectedHeader({ alg: 'ES256', kid }).sign(pair.privateKey);
  }
}

/** With `alg: none` (RFC 7519, section 6). */
export const unsignedToken = (claims: object): string => `${part({ alg: 'none' })}.${part(claims)}.`;

const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');
