// Checks the password of a user who signs in over HTTP.
//
// Promises: an unknown user, a user without a role and a wrong password get the same response after the same time. Attempts
// that fail become slow: for one address, and for one user at one address. Keys are derived one at a time, so that many
// attempts cannot occupy the threads that sync the logs.
// Never: retains or logs a password.
import type { Clock, Counter, KeyDerivation, Meter } from '@milepost/core';
import type { HttpAccessStore, HttpUser } from './http-access.ts';
import { isUserName } from './http-access.ts';
import { PasswordChecks } from './password-checks.ts';
import { LONGEST_PASSWORD_BYTES } from './sasl-plain.ts';
import { decoyCredential } from './scram.ts';
import { SCRAM_MECHANISMS } from './scram-functions.ts';

/** A refusal is sent this long after the attempt, whatever its reason. */
const REFUSED_AFTER_MS = 1_000;
/** Attempts under way. */
const MOST_WAITING = 50;
/** Failures at once, and then one more in each interval. */
const USER_LIMIT = { failures: 10, everyMs: 10_000 };
const ADDRESS_LIMIT = { failures: 50, everyMs: 1_000 };
const MOST_REMEMBERED = 10_000;

export interface SignInDeps {
  readonly store: Pick<HttpAccessStore, 'user' | 'decoySecret'>;
  readonly keys: KeyDerivation;
  readonly clock: Clock;
  readonly meter: Meter;
}

export interface Attempt {
  readonly username: string;
  readonly password: string;
  /** Of the client. */
  readonly address: string;
}

export type SignInOutcome =
  | { readonly kind: 'signed-in'; readonly user: HttpUser }
  | { readonly kind: 'refused' }
  | { readonly kind: 'slowed'; readonly retryAfterMs: number };

export class SignIn {
  readonly #deps: SignInDeps;
  readonly #attempts: Counter;
  readonly #byUser: Failures;
  readonly #byAddress: Failures;
  #waiting = 0;
  readonly #checks: PasswordChecks;

  constructor(deps: SignInDeps) {
    this.#deps = deps;
    this.#checks = new PasswordChecks(deps.keys);
    this.#byUser = new Failures(deps.clock, USER_LIMIT);
    this.#byAddress = new Failures(deps.clock, ADDRESS_LIMIT);
    this.#attempts = deps.meter.counter('milepost_http_sign_ins_total', 'Attempts to sign in, by their result.', [
      'result',
    ]);
    for (const result of ['ok', 'refused', 'slowed']) this.#attempts.add(0, { result });
  }

  async attempt(attempt: Attempt): Promise<SignInOutcome> {
    const outcome = await this.#judged(attempt);
    this.#attempts.add(1, { result: outcome.kind === 'signed-in' ? 'ok' : outcome.kind });
    return outcome;
  }

  async #judged({ username, password, address }: Attempt): Promise<SignInOutcome> {
    const userHere = `${address} ${username.slice(0, 100)}`;
    const retryAfterMs = Math.max(this.#byUser.waitMs(userHere), this.#byAddress.waitMs(address));
    if (retryAfterMs > 0) return { kind: 'slowed', retryAfterMs };
    if (this.#waiting >= MOST_WAITING) return { kind: 'slowed', retryAfterMs: REFUSED_AFTER_MS };
    const refusedAtMs = this.#deps.clock.monotonic() + REFUSED_AFTER_MS;
    this.#waiting += 1;
    try {
      // Before the password is known to be wrong, so that attempts at the same time count too.
      this.#byUser.add(userHere);
      this.#byAddress.add(address);
      const user = await this.#userWith(username, password);
      if (user) {
        this.#byUser.forgive(userHere);
        this.#byAddress.forgive(address);
        return { kind: 'signed-in', user };
      }
      await this.#until(refusedAtMs);
      return { kind: 'refused' };
    } finally {
      this.#waiting -= 1;
    }
  }

  async #userWith(username: string, password: string): Promise<HttpUser | undefined> {
    if (Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES) return undefined;
    const { store } = this.#deps;
    const stored = isUserName(username) ? await store.user(username) : undefined;
    const mechanism = SCRAM_MECHANISMS.find((one) => stored?.credentials[one]) ?? 'SCRAM-SHA-256';
    const credential =
      stored?.credentials[mechanism] ?? decoyCredential(mechanism, username, await store.decoySecret());
    const fits = await this.#checks.fits(credential, mechanism, password);
    if (!fits || !stored) return undefined;
    const { name, role, mustChangePassword } = stored;
    return { name, role, mustChangePassword };
  }

  #until(atMs: number): Promise<void> {
    const { clock } = this.#deps;
    return new Promise((resolve) => void clock.after(Math.max(0, atMs - clock.monotonic()), resolve));
  }
}

/** A token bucket for each key: how many failures are over what the interval has forgiven. */
class Failures {
  readonly #clock: Clock;
  readonly #limit: typeof USER_LIMIT;
  readonly #byKey = new Map<string, { count: number; atMs: number }>();

  constructor(clock: Clock, limit: typeof USER_LIMIT) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** 0: another attempt is allowed now. */
  waitMs(key: string): number {
    return Math.max(0, Math.ceil((this.#count(key) - this.#limit.failures + 1) * this.#limit.everyMs));
  }

  add(key: string): void {
    this.#set(key, this.#count(key) + 1);
  }

  forgive(key: string): void {
    this.#set(key, Math.max(0, this.#count(key) - 1));
  }

  #count(key: string): number {
    const known = this.#byKey.get(key);
    if (!known) return 0;
    return Math.max(0, known.count - (this.#clock.monotonic() - known.atMs) / this.#limit.everyMs);
  }

  #set(key: string, count: number): void {
    this.#byKey.delete(key);
    if (count > 0) this.#byKey.set(key, { count, atMs: this.#clock.monotonic() });
    if (this.#byKey.size <= MOST_REMEMBERED) return;
    const [oldest] = this.#byKey.keys();
    this.#byKey.delete(oldest as string);
  }
}
