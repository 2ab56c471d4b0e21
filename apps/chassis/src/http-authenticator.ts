// Who sends an HTTP request: a signed-in user by the cookie of a session, or a script by a token. Both are looked up each time, so
// that a user who was removed is out with the next request.
import type { IncomingHttpHeaders } from 'node:http';
import { type HttpAccessStore, type Role, secretHash } from '@milepost/security';

export interface Caller {
  readonly kind: 'session' | 'token';
  readonly name: string;
  readonly role: Role;
  /** Nothing but changing the password is allowed. */
  readonly mustChangePassword: boolean;
  /** The user has no password here. */
  readonly fromProvider?: true;
  /** Of the session's or token's secret. */
  readonly hash: string;
}

const COOKIE = 'milepost_session';
/** Browsers accept it only from this very host, over TLS. */
const SECURE_COOKIE = `__Host-${COOKIE}`;
const LONGEST_SECRET = 200;

export class HttpAuthenticator {
  readonly #store: Pick<HttpAccessStore, 'sessions' | 'token'>;

  constructor(store: Pick<HttpAccessStore, 'sessions' | 'token'>) {
    this.#store = store;
  }

  /** Undefined: nobody that is known. A wrong token is not made good by a cookie. */
  async callerOf({ authorization, cookie }: IncomingHttpHeaders): Promise<Caller | undefined> {
    const secret = authorization === undefined ? sessionIn(cookie) : tokenIn(authorization);
    if (secret === undefined || secret.length > LONGEST_SECRET) return undefined;
    const hash = secretHash(secret);
    return authorization === undefined ? (await this.#sessions([hash]))[0] : this.#token(hash);
  }

  /** Those of `callers` who are still what they were. */
  async current(callers: readonly Caller[]): Promise<ReadonlySet<Caller>> {
    const sessions = callers.filter(({ kind }) => kind === 'session');
    const found = sessions.length === 0 ? [] : await this.#sessions(sessions.map(({ hash }) => hash));
    for (const { hash, kind } of callers) if (kind === 'token') found.push(...[(await this.#token(hash)) ?? []].flat());
    const roles = new Map(found.map(({ hash, role }) => [hash, role]));
    return new Set(callers.filter(({ hash, role }) => roles.get(hash) === role));
  }

  async #sessions(hashes: readonly string[]): Promise<Caller[]> {
    const found = await this.#store.sessions(hashes);
    return found.map((session) => ({ kind: 'session', ...session }));
  }

  async #token(hash: string): Promise<Caller | undefined> {
    const token = await this.#store.token(hash);
    return token && { kind: 'token', hash, name: token.name, role: token.role, mustChangePassword: false };
  }
}

/** Of `Bearer`, or of `Basic` with any user name: some clients of schema registries and scrapers know nothing else. */
function tokenIn(authorization: string): string | undefined {
  const [, scheme = '', credentials = ''] = /^(Bearer|Basic) (\S+)$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== 'basic') return credentials === '' ? undefined : credentials;
  return /^[^:]*:(\S+)$/.exec(Buffer.from(credentials, 'base64').toString())?.[1];
}

function sessionIn(cookie = ''): string | undefined {
  const pairs = cookie.split(';').map((pair) => pair.trim().split('=') as [string, string?]);
  const valueOf = (wanted: string): string | undefined => pairs.find(([name]) => name === wanted)?.[1];
  return valueOf(SECURE_COOKIE) ?? valueOf(COOKIE);
}

/** Set-Cookie of a session; without a secret: of its end. */
export function sessionCookies(secret: string | undefined, isSecure: boolean): string[] {
  const shared = 'Path=/; HttpOnly; SameSite=Lax';
  const ended = [`${COOKIE}=; ${shared}; Max-Age=0`, `${SECURE_COOKIE}=; ${shared}; Secure; Max-Age=0`];
  if (secret === undefined) return ended;
  return [isSecure ? `${SECURE_COOKIE}=${secret}; ${shared}; Secure` : `${COOKIE}=${secret}; ${shared}`];
}
