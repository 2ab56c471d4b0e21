// The public keys of an issuer of tokens: a JSON Web Key Set (RFC 7517), from a URL or a file.
//
// Promises:
// - A key that has left the set is not used once the set is older than its age limit and the issuer can be reached.
// - A token that names an unknown key makes the set be read again, at most once in each pause, however many such tokens come.
// - While the issuer is away or responds with garbage, the last good set remains in use, and the log says so once.
// Never: more than one read at a time, nor one without a limit of time and size.
import type { Clock, Logger, ReadText } from '@milepost/core';
import {
  createLocalJWKSet,
  type CryptoKey,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from 'jose';

const READ_LIMITS = { timeoutMs: 5_000, maxBytes: 262_144 };
const PAUSE_MS = 10_000;
const PAUSE_WITHOUT_KEYS_MS = 1_000;
const FILE_MAX_AGE_MS = 10_000;

export interface JwtKeysDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly readText: ReadText;
}

export interface JwtKeysSettings {
  /** `https:`, `http:` or `file:` */
  readonly url: string;
  /** A set that is older is read again before it is used. A file is read again after ten seconds. */
  readonly maxAgeMs: number;
}

/** There is no set of keys yet. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

type KeySet = ReturnType<typeof createLocalJWKSet>;

export class JwtKeys {
  readonly #deps: JwtKeysDeps;
  readonly #url: string;
  readonly #maxAgeMs: number;
  #set: KeySet | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  #problem = '';

  constructor(deps: JwtKeysDeps, { url, maxAgeMs }: JwtKeysSettings) {
    this.#deps = deps;
    this.#url = url;
    this.#maxAgeMs = url.startsWith('file:') ? Math.min(maxAgeMs, FILE_MAX_AGE_MS) : maxAgeMs;
  }

  /** Reads the set ahead of the first token, so that a wrong address is in the log at the start. */
  async readAhead(): Promise<void> {
    await this.#readAgain();
  }

  /** @throws KeysUnavailable, or the reason why the set has no key for the token */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
    if (this.#deps.clock.monotonic() - this.#readAt > this.#maxAgeMs) await this.#readAgain();
    const set = this.#current();
    try {
      return await set(header, token);
    } catch (failure) {
      if (!(failure instanceof errors.JWKSNoMatchingKey)) throw failure;
      await this.#readAgain();
      if (this.#current() === set) throw failure;
      return this.#current()(header, token);
    }
  }

  #current(): KeySet {
    if (this.#set) return this.#set;
    throw new KeysUnavailable(`the keys of the issuer are not known: ${this.#problem}`);
  }

  /** Joins the read that is under way; otherwise does nothing during the pause after the last one. */
  async #readAgain(): Promise<void> {
    const pauseMs = this.#set ? PAUSE_MS : PAUSE_WITHOUT_KEYS_MS;
    const now = this.#deps.clock.monotonic();
    if (!this.#reading && now - this.#triedAt >= pauseMs) {
      this.#triedAt = now;
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined;
      });
    }
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { clock, logger, readText } = this.#deps;
    try {
      this.#set = keySetIn(await readText(this.#url, READ_LIMITS));
      this.#readAt = clock.monotonic();
      if (this.#problem) logger.info({}, `the keys at ${this.#address()} are read again`);
      this.#problem = '';
    } catch (failure) {
      const problem = `${this.#address()}: ${(failure as Error).message}`;
      if (problem === this.#problem) return;
      this.#problem = problem;
      const instead = this.#set ? 'the last good ones remain in use' : 'no token is accepted';
      logger.error({}, `the keys of the issuer cannot be read, ${instead}: ${problem}`);
    }
  }

  /** Without user, password and query, which may be secret. */
  #address(): string {
    const { protocol, host, pathname } = new URL(this.#url);
    return `${protocol}//${host}${pathname}`;
  }
}

function keySetIn(text: string): KeySet {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error('expected a JSON Web Key Set, seen what is not JSON');
  }
  try {
    return createLocalJWKSet(parsed as JSONWebKeySet);
  } catch {
    throw new Error('expected a JSON Web Key Set, seen other JSON');
  }
}
