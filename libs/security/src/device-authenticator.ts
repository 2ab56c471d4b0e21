// Decides who a device is: by user name and password, by a token of an identity provider, or by a certificate that TLS has
// verified. And ends the connections of a device that is blocked, removed or changed.
//
// Promises:
// - An unknown device, a wrong password and a token that does not count get the same response, at the same time after the
//   attempt. Each failure of a name from an address delays the next response.
// - Keys are derived one at a time beside the event loop, because the threads of the pool also sync the logs. A password that
//   was right is remembered, so that a fleet which reconnects costs nothing; what is remembered is useless outside this process.
// - A device that is known to have changed is not let in by what was remembered before.
// - While the store is away, devices that are remembered are let in. Others are told that the server is unavailable.
// Never: retains a password or a token, waits for more than MOST_ATTEMPTS at once, remembers more than MOST_REMEMBERED devices.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Cancel, Clock, Counter, KeyDerivation, Logger, Meter, Random } from '@milepost/core';
import { type Device, type DeviceDirectory, type DeviceReport, EXPECTED_DEVICE_ID, isDeviceId } from './device.ts';
import { isTokenLike, type JwtVerifier } from './jwt-verifier.ts';
import { PasswordChecks } from './password-checks.ts';
import { LONGEST_PASSWORD_BYTES } from './sasl-plain.ts';
import { decoyCredential } from './scram.ts';
import { unpredictable } from './unpredictable.ts';

const MECHANISM = 'SCRAM-SHA-256';
const MOST_REMEMBERED = 20_000;
const MOST_ATTEMPTS = 20_000;
/** Names and addresses whose failures are counted. */
const MOST_FAILING = 10_000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;
/** After that long without another one, failures are forgotten. */
const FORGOTTEN_AFTER_MS = 600_000;
const REPORT_EVERY_MS = 60_000;
const RECHECK_IDS = 1_000;

export const REFUSALS = ['credentials', 'not-authorized', 'unavailable'] as const;
/** credentials: unknown, or a wrong password. not-authorized: no credentials at all, or blocked. */
export type Refusal = (typeof REFUSALS)[number];

/** Who was authenticated, and what the device may do beside what is its own. */
export interface DeviceIdentity {
  readonly id: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export type Authentication =
  | {
      readonly kind: 'authenticated';
      readonly identity: DeviceIdentity;
      /** When the token ends that it came with, in ms since 1970. */
      readonly expiresAtMs?: number;
      leave(): void;
    }
  | { readonly kind: 'refused'; readonly reason: Refusal };

export interface PasswordAttempt {
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
  /** The IP address of the client. */
  readonly host: string;
}

export interface AuthenticatorDeps {
  readonly clock: Clock;
  readonly keys: KeyDerivation;
  readonly random: Random;
  readonly meter: Meter;
  readonly logger: Logger;
  readonly directory: DeviceDirectory;
  /** Absent: tokens are not accepted. */
  readonly tokens?: JwtVerifier | undefined;
}

interface Known {
  readonly device: Device;
  /** Of the last right password. */
  mark: Buffer | undefined;
}

interface Session {
  /** The version of the device that let it in; undefined: it is in no list. */
  readonly version: number | undefined;
  readonly end: () => void;
}

interface Noticed {
  readonly seenAtMs?: number;
  readonly failedAtMs?: number;
  readonly certificateEndsMs?: number;
}

interface Failures {
  count: number;
  lastMs: number;
}

export class DeviceAuthenticator {
  readonly #deps: AuthenticatorDeps;
  readonly #secret: Buffer;
  readonly #known = new Map<string, Known>();
  readonly #sessions = new Map<string, Set<Session>>();
  readonly #failing = new Map<string, Failures>();
  readonly #reports = new Map<string, DeviceReport>();
  readonly #lookups: Lookups;
  readonly #failures: Counter;
  #attempts = 0;
  readonly #checks: PasswordChecks;
  #checking: Promise<void> | undefined;
  #isStale = false;
  /** The number of changes that were announced. */
  #changes = 0;
  #cancel: Cancel = () => {};

  constructor(deps: AuthenticatorDeps) {
    this.#deps = deps;
    this.#checks = new PasswordChecks(deps.keys);
    this.#secret = Buffer.from(unpredictable(deps.random));
    this.#lookups = new Lookups(deps.directory);
    this.#failures = deps.meter.counter(
      'milepost_mqtt_authentications_failed_total',
      'Connections of devices that were refused.',
      ['reason'],
    );
    for (const reason of REFUSALS) this.#failures.add(0, { reason });
    this.#reportLater();
  }

  /**
   * A password that looks like a token is one, where tokens are accepted. `end` is called when the device is blocked,
   * removed or changed; not after `leave`.
   */
  async byPassword({ username, password, host }: PasswordAttempt, end: () => void): Promise<Authentication> {
    const { clock, tokens } = this.#deps;
    if (tokens && password && isTokenLike(password)) return this.#byToken(tokens, { username, password, host }, end);
    if (username === undefined || password === undefined) return this.#refused('not-authorized');
    if (this.#attempts >= MOST_ATTEMPTS) return this.#refused('unavailable');
    const failing = `${host} ${username.slice(0, 256)}`;
    const answerAt = clock.monotonic() + this.#delayMs(failing);
    this.#attempts++;
    try {
      const device = await this.#checked(username, password);
      if (device === 'wrong') {
        this.#failed(failing, username);
        await this.#until(answerAt);
        return this.#refused('credentials');
      }
      this.#failing.delete(failing);
      return device.isBlocked ? this.#refused('not-authorized') : this.#enter(device.id, device, end);
    } catch (failure) {
      this.#deps.logger.warn({}, `a device cannot be looked up: ${(failure as Error).message}`);
      return this.#refused('unavailable');
    } finally {
      this.#attempts--;
    }
  }

  /**
   * `id`: the one in a certificate that was verified; undefined: it has none that is a device id. It need not be in the list.
   * `endsMs`: when the certificate ends; reported.
   */
  async byCertificate(id: string | undefined, end: () => void, endsMs?: number): Promise<Authentication> {
    return id === undefined ? this.#refused('not-authorized') : this.#byName(id, end, endsMs);
  }

  async #byName(id: string, end: () => void, endsMs?: number): Promise<Authentication> {
    try {
      const device = await this.#find(id);
      if (device?.isBlocked) return this.#refused('not-authorized');
      if (device && endsMs !== undefined) this.#noticed(id, { certificateEndsMs: endsMs });
      return this.#enter(id, device, end);
    } catch (failure) {
      this.#deps.logger.warn({}, `a device cannot be looked up: ${(failure as Error).message}`);
      return this.#refused('unavailable');
    }
  }

  /** The device need not be in the list. Its user name is empty, or its id. */
  async #byToken(
    tokens: JwtVerifier,
    { username = '', password, host }: PasswordAttempt & { readonly password: Buffer },
    end: () => void,
  ): Promise<Authentication> {
    const { clock, logger } = this.#deps;
    if (this.#attempts >= MOST_ATTEMPTS) return this.#refused('unavailable');
    const failing = `${host} ${username.slice(0, 256)}`;
    const answerAt = clock.monotonic() + this.#delayMs(failing);
    this.#attempts++;
    try {
      const verified = await tokens.verify(password.toString('latin1'));
      if (verified.kind === 'unavailable') {
        logger.warn({}, `the token of a device cannot be verified: ${verified.reason}`);
        return this.#refused('unavailable');
      }
      const problem = verified.kind === 'refused' ? verified.reason : mismatch(verified.subject, username);
      if (verified.kind === 'refused' || problem !== undefined) {
        logger.info({ client: host }, `the token of a device is refused: ${problem}`);
        this.#failed(failing, username);
        await this.#until(answerAt);
        return this.#refused('credentials');
      }
      this.#failing.delete(failing);
      const entered = await this.#byName(verified.subject, end);
      return entered.kind === 'refused' ? entered : { ...entered, expiresAtMs: verified.expiresAtMs };
    } finally {
      this.#attempts--;
    }
  }

  /** Something in the store has changed. Resolves when the connections of changed devices have been ended. */
  changed(): Promise<void> {
    this.#isStale = true;
    this.#changes++;
    this.#checking ??= this.#recheck().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** Reports what was noticed. */
  async close(): Promise<void> {
    this.#cancel();
    await this.#report();
  }

  async #checked(username: string, password: Buffer): Promise<Device | 'wrong'> {
    if (password.length > LONGEST_PASSWORD_BYTES) return 'wrong';
    const mark = createHmac('sha256', this.#secret).update(password).digest();
    for (;;) {
      const changes = this.#changes;
      const device = isDeviceId(username) ? await this.#find(username) : undefined;
      const known = device && this.#known.get(device.id);
      if (device && known?.device === device && known.mark && timingSafeEqual(known.mark, mark)) return device;
      const credential = device?.credential ?? decoyCredential(MECHANISM, username, this.#secret);
      const fits = await this.#checks.fits(credential, MECHANISM, password.toString());
      if (!fits || !device?.credential) return 'wrong';
      const current = this.#known.get(device.id);
      // It may have changed during the derivation.
      if (current ? current.device.version !== device.version : changes !== this.#changes) continue;
      this.#remember(current ?? { device, mark }, mark);
      return device;
    }
  }

  async #find(id: string): Promise<Device | undefined> {
    for (;;) {
      const known = this.#known.get(id);
      if (known) return known.device;
      const changes = this.#changes;
      const device = await this.#lookups.find(id);
      if (changes !== this.#changes) continue; // it may have been read before the change
      if (device && !this.#known.has(id)) this.#remember({ device, mark: undefined });
      return device;
    }
  }

  #remember(known: Known, mark = known.mark): void {
    known.mark = mark;
    this.#known.delete(known.device.id);
    this.#known.set(known.device.id, known);
    if (this.#known.size <= MOST_REMEMBERED) return;
    const [oldest] = this.#known.keys();
    this.#known.delete(oldest as string);
  }

  #enter(id: string, device: Device | undefined, end: () => void): Authentication {
    const session: Session = { version: device?.version, end };
    const sessions = this.#sessions.get(id) ?? new Set();
    this.#sessions.set(id, sessions.add(session));
    if (device) this.#noticed(id, { seenAtMs: this.#deps.clock.now() });
    const leave = (): void => {
      if (!sessions.delete(session)) return;
      if (sessions.size === 0 && this.#sessions.get(id) === sessions) this.#sessions.delete(id);
      if (device) this.#noticed(id, { seenAtMs: this.#deps.clock.now() });
    };
    const { publish = [], subscribe = [] } = device ?? {};
    return { kind: 'authenticated', identity: { id, publish, subscribe }, leave };
  }

  #refused(reason: Refusal): Authentication {
    this.#failures.add(1, { reason });
    return { kind: 'refused', reason };
  }

  #failed(failing: string, username: string): void {
    const { clock } = this.#deps;
    const failures = this.#failing.get(failing) ?? { count: 0, lastMs: 0 };
    this.#failing.delete(failing);
    this.#failing.set(failing, { count: failures.count + 1, lastMs: clock.monotonic() });
    if (this.#failing.size > MOST_FAILING) {
      const [oldest] = this.#failing.keys();
      this.#failing.delete(oldest as string);
    }
    if (this.#known.has(username)) this.#noticed(username, { failedAtMs: clock.now() });
  }

  #delayMs(failing: string): number {
    const failures = this.#failing.get(failing);
    if (!failures || this.#deps.clock.monotonic() - failures.lastMs > FORGOTTEN_AFTER_MS) return FIRST_DELAY_MS;
    return Math.min(FIRST_DELAY_MS * 2 ** failures.count, LONGEST_DELAY_MS);
  }

  #until(atMs: number): Promise<void> {
    const { clock } = this.#deps;
    return new Promise((resolve) => void clock.after(Math.max(0, atMs - clock.monotonic()), resolve));
  }

  async #recheck(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      const ids = [...new Set([...this.#known.keys(), ...this.#sessions.keys()])];
      for (let at = 0; at < ids.length; at += RECHECK_IDS) await this.#compare(ids.slice(at, at + RECHECK_IDS));
    }
  }

  async #compare(ids: readonly string[]): Promise<void> {
    const found = new Map((await this.#deps.directory.find(ids)).map((device) => [device.id, device]));
    for (const id of ids) {
      const device = found.get(id);
      const known = this.#known.get(id);
      if (known && known.device.version !== device?.version) {
        if (device) this.#known.set(id, { device, mark: undefined });
        else this.#known.delete(id);
      }
      for (const session of this.#sessions.get(id) ?? []) if (session.version !== device?.version) session.end();
    }
  }

  #noticed(id: string, { seenAtMs, failedAtMs, certificateEndsMs }: Noticed): void {
    const before = this.#reports.get(id);
    if (!before && this.#reports.size >= MOST_REMEMBERED) return;
    this.#reports.set(id, {
      id,
      seenAtMs: seenAtMs ?? before?.seenAtMs,
      failedLogins: (before?.failedLogins ?? 0) + (failedAtMs === undefined ? 0 : 1),
      failedAtMs: failedAtMs ?? before?.failedAtMs,
      certificateEndsMs: certificateEndsMs ?? before?.certificateEndsMs,
    });
  }

  #reportLater(): void {
    this.#cancel = this.#deps.clock.after(REPORT_EVERY_MS, () => {
      const seenAtMs = this.#deps.clock.now();
      for (const id of this.#sessions.keys()) this.#noticed(id, { seenAtMs });
      void this.#report();
      this.#reportLater();
    });
  }

  async #report(): Promise<void> {
    const reports = [...this.#reports.values()];
    this.#reports.clear();
    if (reports.length === 0) return;
    try {
      await this.#deps.directory.report(reports);
    } catch (failure) {
      this.#deps.logger.debug({ failure: (failure as Error).message }, 'what was noticed about devices is not stored');
    }
  }
}

/** Why a token of that subject lets nobody in under that user name, if so. */
function mismatch(subject: string, username: string): string | undefined {
  if (!isDeviceId(subject)) return `its subject: expected ${EXPECTED_DEVICE_ID}, seen ${JSON.stringify(subject)}`;
  if (username === '' || username === subject) return undefined;
  return `user name: expected none or ${subject}, seen ${JSON.stringify(username.slice(0, 128))}`;
}

/** Looks devices up: those that are wanted while a lookup is under way share the next one. */
class Lookups {
  readonly #directory: DeviceDirectory;
  #waiting = new Map<string, Promise<Device | undefined>>();
  #underWay: Promise<unknown> = Promise.resolve();
  #next: Promise<ReadonlyMap<string, Device>> | undefined;

  constructor(directory: DeviceDirectory) {
    this.#directory = directory;
  }

  find(id: string): Promise<Device | undefined> {
    const waiting = this.#waiting.get(id);
    if (waiting) return waiting;
    this.#next ??= this.#start();
    const found = this.#next.then((devices) => devices.get(id));
    this.#waiting.set(id, found);
    return found;
  }

  #start(): Promise<ReadonlyMap<string, Device>> {
    const result = this.#underWay.then(async () => {
      const ids = [...this.#waiting.keys()];
      this.#waiting = new Map();
      this.#next = undefined;
      return new Map((await this.#directory.find(ids)).map((device) => [device.id, device]));
    });
    this.#underWay = result.catch(() => {});
    return result;
  }
}
