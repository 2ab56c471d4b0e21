// Changes of the users who sign in over HTTP: by the API, by `milepost users`, and at the start. Their passwords are SCRAM
// credentials in the cluster's metadata (decision 44), so the same user and password are good for Kafka's listeners.
import type { Host, Logger } from '@milepost/core';
import type { ScramCredentials, StoredScramCredential } from '@milepost/metadata';
import { PostgresHttpAccessStore, PostgresMetadataStore } from '@milepost/postgres';
import {
  type HttpAccessStore,
  type HttpUser,
  isPasswordOf,
  isUserName,
  LEAST_ITERATIONS,
  LONGEST_PASSWORD_BYTES,
  NAME_RULE,
  newSessionSecret,
  SCRAM_MECHANISMS,
  type ScramCredential,
  scramCredential,
  SHORTEST_PASSWORD,
} from '@milepost/security';
import type { DataSource } from 'typeorm';

/** A wish that cannot be fulfilled; the message is for the user. */
export class HttpUserRefused extends Error {
  override readonly name = 'HttpUserRefused';
}

export interface HttpUsersDeps {
  readonly database: DataSource;
  readonly host: Pick<Host, 'keys' | 'random'>;
  readonly logger: Logger;
}

export class HttpUsers {
  readonly store: HttpAccessStore;
  readonly #deps: HttpUsersDeps;

  constructor(deps: HttpUsersDeps) {
    this.store = new PostgresHttpAccessStore(deps.database);
    this.#deps = deps;
  }

  /** Adds a user, or changes one. Without a password, the present one remains. @throws HttpUserRefused */
  async set(user: HttpUser, password?: string): Promise<void> {
    if (!isUserName(user.name))
      throw new HttpUserRefused(`name: expected ${NAME_RULE}; saw "${user.name.slice(0, 100)}"`);
    const known = await this.store.user(user.name);
    if (password === undefined && !known)
      throw new HttpUserRefused(`password: expected one, as there is no user ${user.name} yet`);
    if (user.role !== 'admin') await this.#leavesAnAdmin(user.name);
    if (password !== undefined) await this.#setPassword(user.name, password);
    await this.store.setUser(user);
  }

  /** With the SCRAM credentials of that name. @throws HttpUserRefused */
  async remove(name: string): Promise<void> {
    await this.#leavesAnAdmin(name);
    if (!(await this.store.removeUser(name))) throw new HttpUserRefused(`there is no user ${name.slice(0, 100)}`);
    await this.#commitCredentials(name, {});
  }

  /** The user's own wish. @throws HttpUserRefused */
  async changePassword(user: HttpUser, password: string): Promise<void> {
    const known = await this.store.user(user.name);
    if (known && (await this.#fits(known.credentials, password)))
      throw new HttpUserRefused('password: expected another one than the present one');
    await this.set({ name: user.name, role: user.role, mustChangePassword: false }, password);
  }

  /** At the start: the secret of decoys, and the administrator of the settings. */
  async prepare(admin: { readonly username: string; readonly password: string } | undefined): Promise<void> {
    const secret = Buffer.from(newSessionSecret(this.#deps.host.random)).toString('base64');
    await this.#commit((store) =>
      store.commit(({ decoySecret }) => (decoySecret === null ? [{ type: 'decoy-secret-set', secret }] : [])),
    );
    if (!admin) return;
    const known = await this.store.user(admin.username);
    if (!known || !(await this.#fits(known.credentials, admin.password)))
      await this.#storePassword(admin.username, admin.password);
    await this.store.setUser({ name: admin.username, role: 'admin', mustChangePassword: false });
  }

  async #leavesAnAdmin(name: string): Promise<void> {
    const admins = (await this.store.users()).filter(({ role }) => role === 'admin');
    if (admins.length === 1 && admins[0]?.name === name)
      throw new HttpUserRefused(`${name} is the last admin: make another one first`);
  }

  async #setPassword(name: string, password: string): Promise<void> {
    if (password.length < SHORTEST_PASSWORD || Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES)
      throw new HttpUserRefused(
        `password: expected ${SHORTEST_PASSWORD} characters or more, and at most ${LONGEST_PASSWORD_BYTES} bytes; saw ${password.length} characters`,
      );
    await this.#storePassword(name, password);
  }

  async #storePassword(name: string, password: string): Promise<void> {
    const { keys, random } = this.#deps.host;
    const credentials: Partial<Record<keyof ScramCredentials, StoredScramCredential>> = {};
    for (const mechanism of SCRAM_MECHANISMS) {
      // As many iterations as a decoy has, so that their number says nothing.
      const given = {
        salt: Buffer.from(newSessionSecret(random), 'base64url').subarray(0, 16),
        iterations: LEAST_ITERATIONS,
      };
      credentials[mechanism] = encoded(
        await scramCredential(mechanism, password, given, (...input) => keys.pbkdf2(...input)),
      );
    }
    await this.#commitCredentials(name, credentials);
  }

  async #fits(
    credentials: Readonly<Partial<Record<keyof ScramCredentials, ScramCredential>>>,
    password: string,
  ): Promise<boolean> {
    const { keys } = this.#deps.host;
    const mechanism = SCRAM_MECHANISMS.find((one) => credentials[one]);
    const credential = mechanism && credentials[mechanism];
    if (!mechanism || !credential) return false;
    return isPasswordOf(credential, mechanism, password, (...input) => keys.pbkdf2(...input));
  }

  async #commitCredentials(name: string, credentials: ScramCredentials): Promise<void> {
    await this.#commit((store) => store.commit(() => [{ type: 'scram-user-set', name, credentials }]));
  }

  /** Rare: the metadata are read for each change. */
  async #commit(work: (store: PostgresMetadataStore) => Promise<unknown>): Promise<void> {
    const { database, logger } = this.#deps;
    const store = new PostgresMetadataStore(database, { logger });
    try {
      await store.open();
      await work(store);
    } finally {
      await store.close();
    }
  }
}

const encoded = ({ salt, iterations, storedKey, serverKey }: ScramCredential): StoredScramCredential => ({
  salt: salt.toString('base64'),
  iterations,
  storedKey: storedKey.toString('base64'),
  serverKey: serverKey.toString('base64'),
});
