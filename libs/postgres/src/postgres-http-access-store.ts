// Users of the HTTP port, their sessions and tokens, in PostgreSQL. Nothing is cached: a user that is removed, by whichever
// process, is out with the next request. Passwords are those of scram_users, which only the metadata store changes.
import type { ScramCredentials, StoredScramCredential } from '@milepost/metadata';
import type {
  HttpAccessStore,
  HttpSession,
  HttpToken,
  HttpUser,
  HttpUserWithPassword,
  ProviderUser,
  ScramCredential,
} from '@milepost/security';
import type { DataSource } from 'typeorm';
import { queryWithin } from './transaction.ts';

const TIMEOUT_MS = 5_000;
/** A session ends after this long, and after it was not used for that long. */
const LONGEST_SESSION = '7 days';
const LONGEST_IDLE = '24 hours';
/** A user of an identity provider is sent there again after this long: it may have another role by then, or be gone. */
const LONGEST_PROVIDER_SESSION = '12 hours';
/** A use is noted when the last note is older: reading need not write each time. */
const NOTED_EVERY = '5 minutes';

const USER = 'u.name, u.role, u.must_change_password AS "mustChangePassword"';
const TOKEN = 'name, role, created_at AS "createdAt", expires_at AS "expiresAt"';
/** Of the row c of scram_users. */
const CREDENTIAL_MARK = `encode(sha256(convert_to(c.credentials::text, 'UTF8')), 'hex')`;

export class PostgresHttpAccessStore implements HttpAccessStore {
  readonly #database: DataSource;

  constructor(database: DataSource) {
    this.#database = database;
  }

  async user(name: string): Promise<HttpUserWithPassword | undefined> {
    const [row] = await this.#query<HttpUser & { readonly credentials: ScramCredentials }>(
      `SELECT ${USER}, c.credentials FROM http_users u JOIN scram_users c USING (name) WHERE u.name = $1`,
      [name],
    );
    if (!row) return undefined;
    const credentials = Object.entries(row.credentials).map(([mechanism, stored]) => [mechanism, decoded(stored)]);
    return { ...row, credentials: Object.fromEntries(credentials) };
  }

  async decoySecret(): Promise<Buffer> {
    const [row] = await this.#query<{ secret: string }>('SELECT secret FROM decoy_secret');
    return Buffer.from(row?.secret ?? '', 'base64');
  }

  users(): Promise<readonly HttpUser[]> {
    return this.#query<HttpUser>(`SELECT ${USER} FROM http_users u ORDER BY name`);
  }

  async setUser({ name, role, mustChangePassword }: HttpUser): Promise<void> {
    await this.#query(
      `INSERT INTO http_users VALUES ($1, $2, $3)
       ON CONFLICT (name) DO UPDATE SET role = excluded.role, must_change_password = excluded.must_change_password`,
      [name, role, mustChangePassword],
    );
  }

  async removeUser(name: string): Promise<boolean> {
    const removed = await this.#query(
      'WITH gone AS (DELETE FROM http_users WHERE name = $1 RETURNING name) SELECT name FROM gone',
      [name],
    );
    return removed.length > 0;
  }

  /** Sessions that are over go when another begins. */
  async addSession(hash: string, username: string): Promise<void> {
    await this.#query(
      `WITH over AS (DELETE FROM http_sessions WHERE started_at < now() - interval '${LONGEST_SESSION}')
       INSERT INTO http_sessions
       SELECT $1, c.name, ${CREDENTIAL_MARK}, now(), now() FROM scram_users c WHERE c.name = $2
       ON CONFLICT DO NOTHING`,
      [hash, username],
    );
  }

  /** Sessions that are over go when another begins. */
  async addProviderSession(hash: string, { name, role }: ProviderUser): Promise<void> {
    await this.#query(
      `WITH over AS (
         DELETE FROM http_provider_sessions WHERE started_at < now() - interval '${LONGEST_PROVIDER_SESSION}'
       )
       INSERT INTO http_provider_sessions VALUES ($1, $2, $3, now()) ON CONFLICT DO NOTHING`,
      [hash, name, role],
    );
  }

  async sessions(hashes: readonly string[]): Promise<readonly HttpSession[]> {
    const found = await this.#query<HttpSession & { readonly isOfProvider: boolean }>(
      `WITH noted AS (
         UPDATE http_sessions SET used_at = now()
         WHERE hash = ANY($1) AND used_at BETWEEN now() - interval '${LONGEST_IDLE}' AND now() - interval '${NOTED_EVERY}'
       )
       SELECT s.hash, ${USER}, false AS "isOfProvider"
       FROM http_sessions s JOIN http_users u ON u.name = s.username JOIN scram_users c ON c.name = s.username
       WHERE s.hash = ANY($1) AND s.credential = ${CREDENTIAL_MARK}
         AND s.started_at > now() - interval '${LONGEST_SESSION}' AND s.used_at > now() - interval '${LONGEST_IDLE}'
       UNION ALL
       SELECT hash, name, role, false, true FROM http_provider_sessions
       WHERE hash = ANY($1) AND started_at > now() - interval '${LONGEST_PROVIDER_SESSION}'`,
      [hashes],
    );
    return found.map(({ isOfProvider, ...session }) => (isOfProvider ? { ...session, fromProvider: true } : session));
  }

  async endSession(hash: string): Promise<void> {
    await this.#query(
      `WITH one AS (DELETE FROM http_sessions WHERE hash = $1) DELETE FROM http_provider_sessions WHERE hash = $1`,
      [hash],
    );
  }

  tokens(): Promise<readonly HttpToken[]> {
    return this.#query<HttpToken>(`SELECT ${TOKEN} FROM http_tokens ORDER BY name`);
  }

  async addToken(hash: string, { name, role, createdAt, expiresAt }: HttpToken): Promise<boolean> {
    const added = await this.#query(
      `WITH new AS (
         INSERT INTO http_tokens (name, hash, role, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (name) DO UPDATE SET name = excluded.name WHERE http_tokens.hash = excluded.hash RETURNING name
       ) SELECT name FROM new`,
      [name, hash, role, createdAt, expiresAt],
    );
    return added.length > 0;
  }

  async token(hash: string): Promise<HttpToken | undefined> {
    const [token] = await this.#query<HttpToken>(
      `SELECT ${TOKEN} FROM http_tokens WHERE hash = $1 AND (expires_at IS NULL OR expires_at > now())`,
      [hash],
    );
    return token;
  }

  async removeToken(name: string): Promise<boolean> {
    const removed = await this.#query(
      'WITH gone AS (DELETE FROM http_tokens WHERE name = $1 RETURNING name) SELECT name FROM gone',
      [name],
    );
    return removed.length > 0;
  }

  /** Each statement may be repeated. */
  #query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return queryWithin<Row>(this.#database, TIMEOUT_MS, sql, [...parameters]);
  }
}

const decoded = ({ salt, iterations, storedKey, serverKey }: StoredScramCredential): ScramCredential => ({
  salt: Buffer.from(salt, 'base64'),
  iterations,
  storedKey: Buffer.from(storedKey, 'base64'),
  serverKey: Buffer.from(serverKey, 'base64'),
});
