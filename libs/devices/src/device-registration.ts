// Registers devices, one or a list of them: for `milepost devices` and for the HTTP API.
//
// Promises:
// - A password that is made here is returned once, after it is stored. What is stored does not reveal it.
// - Of a list, everything is checked before anything is stored; then devices are stored in batches, in the order of the list.
// Never: logs a password, or repeats one in an error.
import type { KeyDerivation, Random } from '@milepost/core';
import { isTopicFilter } from '@milepost/routes';
import {
  type DeviceChanges,
  type DeviceStore,
  EXPECTED_DEVICE_ID,
  isDeviceId,
  LEAST_ITERATIONS,
  LONGEST_PASSWORD_BYTES,
  type NewDevice,
  type ScramCredential,
  scramCredential,
  unpredictable,
} from '@milepost/security';
import type { DeviceList, ListedDevice } from './device-list.ts';

const STORED_AT_ONCE = 500;
/** 138 random bits, as 24 characters. */
const PASSWORD_BYTES = 18;
const SALT_BYTES = 16;
const MOST_FILTERS = 100;

/** The request cannot be fulfilled; the message is one line for the user. */
export class DeviceRefused extends Error {
  override readonly name = 'DeviceRefused';
  readonly kind: 'wrong' | 'exists' | 'missing';
  /** Of a list: a line for each broken entry. */
  readonly broken: readonly string[];

  constructor(kind: DeviceRefused['kind'], message: string, broken: readonly string[] = []) {
    super(message);
    this.kind = kind;
    this.broken = broken;
  }
}

/** made: a new random one. none: the device connects with a certificate. */
export type WantedPassword = 'made' | 'none' | { readonly given: string };

export interface WantedDevice {
  readonly id: string;
  readonly password: WantedPassword;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export interface ImportOptions {
  /** Otherwise one broken entry refuses the whole list. */
  readonly skipBroken: boolean;
  /** Existing devices get the passwords and topics of the list; otherwise one of them refuses the whole list. */
  readonly replaces: boolean;
  /** For devices without one in the list. */
  readonly passwords: 'made' | 'none';
}

export interface MadePassword {
  readonly id: string;
  readonly password: string;
}

/** After each batch. */
export interface ImportProgress {
  readonly stored: number;
  readonly of: number;
  /** Those made for the devices of the batch. */
  readonly made: readonly MadePassword[];
}

export interface RegistrationDeps {
  readonly store: DeviceStore;
  readonly keys: KeyDerivation;
  readonly random: Pick<Random, 'uuid'>;
  /** More use more threads of the pool, which also sync the logs where a broker is in the same process. */
  readonly derivedAtOnce: number;
}

export class DeviceRegistration {
  readonly #deps: RegistrationDeps;

  constructor(deps: RegistrationDeps) {
    this.#deps = deps;
  }

  /** Returns the password if one was made. @throws DeviceRefused */
  async add({ id, password, publish, subscribe }: WantedDevice, replaces: boolean): Promise<string | undefined> {
    checkId(id);
    checkFilters('publish', publish);
    checkFilters('subscribe', subscribe);
    const text = this.#textOf(password);
    const credential = text === undefined ? undefined : await this.#credentialOf(text);
    const { existing } = await this.#deps.store.add([{ id, credential, publish, subscribe }], replaces);
    if (existing.length > 0) throw new DeviceRefused('exists', `there is a device ${id} already`);
    return password === 'made' ? text : undefined;
  }

  /** @throws DeviceRefused */
  async changeTopics(id: string, changes: Pick<DeviceChanges, 'publish' | 'subscribe'>): Promise<void> {
    checkId(id);
    checkFilters('publish', changes.publish ?? []);
    checkFilters('subscribe', changes.subscribe ?? []);
    if (!(await this.#deps.store.change(id, changes))) throw missing(id);
  }

  /** Its connections by password end. Returns the new one. @throws DeviceRefused */
  async newPassword(id: string): Promise<string> {
    checkId(id);
    const password = this.#made();
    if (!(await this.#deps.store.change(id, { credential: await this.#credentialOf(password) }))) throw missing(id);
    return password;
  }

  /**
   * Checks the whole list, and then stores it batch by batch; who stops reading stops it. @throws DeviceRefused before the
   * first progress if nothing is stored; later, if a device was added by somebody else meanwhile.
   */
  async *importList({ broken, devices }: DeviceList, options: ImportOptions): AsyncGenerator<ImportProgress, void> {
    if (broken.length > 0 && !options.skipBroken)
      throw new DeviceRefused('wrong', `${broken.length} of ${broken.length + devices.length} are broken`, broken);
    if (!options.replaces) await this.#refuseExisting(devices);
    yield { stored: 0, of: devices.length, made: [] };
    for (let at = 0; at < devices.length; ) {
      const some = devices.slice(at, at + STORED_AT_ONCE);
      const made = await this.#storeBatch(some, options, at);
      at += some.length;
      yield { stored: at, of: devices.length, made };
    }
  }

  async #refuseExisting(listed: readonly ListedDevice[]): Promise<void> {
    for (let at = 0; at < listed.length; at += STORED_AT_ONCE) {
      const found = await this.#deps.store.find(listed.slice(at, at + STORED_AT_ONCE).map(({ id }) => id));
      const [first, ...others] = found.map(({ id }) => id).sort();
      if (first === undefined) continue;
      const more = others.length > 0 ? ` and ${others.length} more` : '';
      throw new DeviceRefused('exists', `there is a device ${first}${more} already: nothing is imported`);
    }
  }

  async #storeBatch(
    listed: readonly ListedDevice[],
    { passwords, replaces }: ImportOptions,
    before: number,
  ): Promise<MadePassword[]> {
    const made: MadePassword[] = [];
    const devices: NewDevice[] = [];
    const { derivedAtOnce, store } = this.#deps;
    for (let at = 0; at < listed.length; at += derivedAtOnce) {
      const some = listed.slice(at, at + derivedAtOnce).map(async ({ id, password, publish, subscribe }) => {
        const text = password ?? this.#textOf(passwords);
        if (password === undefined && text !== undefined) made.push({ id, password: text });
        const credential = text === undefined ? undefined : await this.#credentialOf(text);
        return { id, credential, publish, subscribe };
      });
      devices.push(...(await Promise.all(some)));
    }
    const { existing } = await store.add(devices, replaces);
    if (existing.length > 0)
      throw new DeviceRefused('exists', `${existing[0]} has been added meanwhile: ${before} devices are imported`);
    return made;
  }

  #textOf(password: WantedPassword): string | undefined {
    if (password === 'none') return undefined;
    return password === 'made' ? this.#made() : checkedPassword(password.given);
  }

  #made(): string {
    return this.#randomBytes(PASSWORD_BYTES).toString('base64url');
  }

  #credentialOf(password: string): Promise<ScramCredential> {
    const { keys } = this.#deps;
    const salt = this.#randomBytes(SALT_BYTES);
    const given = { salt, iterations: LEAST_ITERATIONS };
    return scramCredential('SCRAM-SHA-256', password, given, (...input) => keys.pbkdf2(...input));
  }

  #randomBytes(count: number): Buffer {
    return Buffer.from(unpredictable(this.#deps.random), 'hex').subarray(-count);
  }
}

/** @throws DeviceRefused */
export function checkId(id: string): void {
  if (!isDeviceId(id))
    throw new DeviceRefused('wrong', `id: expected ${EXPECTED_DEVICE_ID}; saw ${JSON.stringify(id.slice(0, 140))}`);
}

function checkFilters(name: string, filters: readonly string[]): void {
  if (filters.length > MOST_FILTERS)
    throw new DeviceRefused('wrong', `${name}: expected at most ${MOST_FILTERS} topic filters; saw ${filters.length}`);
  const wrong = filters.find((filter) => !isTopicFilter(filter));
  if (wrong !== undefined)
    throw new DeviceRefused('wrong', `${name}: expected topic filters, such as trucks/#; saw ${wrong.slice(0, 100)}`);
}

function checkedPassword(password: string): string {
  const sizeBytes = Buffer.byteLength(password);
  if (sizeBytes === 0 || sizeBytes > LONGEST_PASSWORD_BYTES)
    throw new DeviceRefused('wrong', `password: expected 1 to ${LONGEST_PASSWORD_BYTES} bytes; saw ${sizeBytes}`);
  return password;
}

const missing = (id: string): DeviceRefused => new DeviceRefused('missing', `there is no device ${id}`);
