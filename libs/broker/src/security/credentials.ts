// The credentials of users, as the cluster's metadata has them, and the checks against them.
//
// Promises: an unknown user costs a login as much as a wrong password does, and gets the same responses. Keys are derived one
// at a time, so that many logins at once cannot occupy the threads that sync the logs. A password that was right is
// remembered for some users, so that clients which reconnect cost nothing.
// Never: retains a password; what it remembers is useless outside this process.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock, KeyDerivation, Random } from '@milepost/core';
import type { ClusterImage, StoredScramCredential } from '@milepost/metadata';
import {
  ANONYMOUS,
  decoyCredential,
  parsePrincipal,
  PasswordChecks,
  SCRAM_MECHANISMS,
  type ScramCredential,
  type ScramMechanism,
  unpredictable,
  userPrincipal,
} from '@milepost/security';
import { isExpired, isOfKey, type TokenSettings } from './delegation-tokens.ts';
import type { Proved } from './proved.ts';

/** Users whose last right password is remembered. */
const MOST_REMEMBERED = 1_000;

export interface Expected {
  readonly credential: ScramCredential;
  readonly proved: Proved;
}

export interface CredentialsDeps {
  readonly clock: Pick<Clock, 'now'>;
  /** Undefined: there are no delegation tokens. */
  readonly tokens: TokenSettings | undefined;
  readonly image: () => ClusterImage;
  readonly keys: KeyDerivation;
  readonly random: Random;
}

interface Remembered {
  /** The stored credential that the password fitted: another one is checked again. */
  readonly stored: StoredScramCredential;
  readonly mark: Buffer;
}

export class Credentials {
  readonly #deps: CredentialsDeps;
  readonly #remembered = new Map<string, Remembered>();
  readonly #secret: Buffer;
  readonly #checks: PasswordChecks;

  constructor(deps: CredentialsDeps) {
    this.#deps = deps;
    this.#checks = new PasswordChecks(deps.keys);
    this.#secret = Buffer.from(unpredictable(deps.random));
  }

  /** What a client must know, and who it is then. Of an unknown user, a credential that no password fits. */
  ofUser(mechanism: ScramMechanism, username: string): Expected {
    const stored = this.#deps.image().scramUsers.get(username)?.[mechanism];
    const credential = stored ? decoded(stored) : this.#decoy(mechanism, username);
    return { credential, proved: { principal: userPrincipal(username) } };
  }

  /** As `ofUser`, by the id of a delegation token. One that has expired, or is of another secret key, is unknown. */
  ofToken(mechanism: ScramMechanism, id: string): Expected {
    const { image, tokens, clock } = this.#deps;
    const token = image().delegationTokens.get(id);
    const owner = token && parsePrincipal(token.owner);
    const stored = token?.credentials[mechanism];
    if (!owner || !stored || !tokens || isExpired(token, clock.now()) || !isOfKey(tokens, token))
      return { credential: this.#decoy(mechanism, id), proved: { principal: ANONYMOUS } };
    return {
      credential: decoded(stored),
      proved: { principal: owner, expiresAtMs: Math.min(token.expiresAtMs, token.endsAtMs), isByToken: true },
    };
  }

  /** Compares with the credential of the cheaper mechanism that the user has. */
  async isPassword(username: string, password: string): Promise<boolean> {
    const credentials = this.#deps.image().scramUsers.get(username);
    const mechanism = SCRAM_MECHANISMS.find((one) => credentials?.[one]) ?? 'SCRAM-SHA-256';
    const stored = credentials?.[mechanism];
    const mark = createHmac('sha256', this.#secret).update(password).digest();
    const known = this.#remembered.get(username);
    if (stored && known?.stored === stored && timingSafeEqual(known.mark, mark)) return true;
    const credential = stored ? decoded(stored) : this.#decoy(mechanism, username);
    const fits = await this.#checks.fits(credential, mechanism, password);
    if (!fits || !stored) return false;
    this.#remember(username, { stored, mark });
    return true;
  }

  /** Printable, without a comma, never used before. */
  newNonce(): string {
    return unpredictable(this.#deps.random);
  }

  #decoy(mechanism: ScramMechanism, username: string): ScramCredential {
    const { decoySecret } = this.#deps.image();
    // It is stored at the start. A database that went back may lack it.
    return decoyCredential(mechanism, username, decoySecret ? Buffer.from(decoySecret, 'base64') : this.#secret);
  }

  #remember(username: string, remembered: Remembered): void {
    this.#remembered.delete(username);
    this.#remembered.set(username, remembered);
    if (this.#remembered.size <= MOST_REMEMBERED) return;
    const [oldest] = this.#remembered.keys();
    this.#remembered.delete(oldest as string);
  }
}

export const decoded = ({ salt, iterations, storedKey, serverKey }: StoredScramCredential): ScramCredential => ({
  salt: Buffer.from(salt, 'base64'),
  iterations,
  storedKey: Buffer.from(storedKey, 'base64'),
  serverKey: Buffer.from(serverKey, 'base64'),
});

export const encoded = ({ salt, iterations, storedKey, serverKey }: ScramCredential): StoredScramCredential => ({
  salt: salt.toString('base64'),
  iterations,
  storedKey: storedKey.toString('base64'),
  serverKey: serverKey.toString('base64'),
});
