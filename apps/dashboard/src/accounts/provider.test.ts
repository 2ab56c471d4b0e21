// Signing in by an identity provider, as a browser sees it: a real provider (oidc-provider), with its own pages.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger } from '@milepost/core';
import { type HttpAccessStore, type HttpSession, type Role, secretHash } from '@milepost/security';
import { readSettings } from '@milepost/settings';
import { PrometheusMeter } from '@milepost/telemetry';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ChassisModule, DatabasePart, HttpUsersPart, Lifecycle } from '../../../chassis/src/index.ts';
import { freePort } from '../../../../test/support/free-port.ts';
import { AccountsModule } from './accounts.module.ts';
import { SessionController } from './session.controller.ts';

const GROUPS: Readonly<Record<string, unknown>> = {
  maria: ['everyone', 'fleet-admins'],
  ole: ['everyone'],
  stranger: ['payroll'],
};

@Module({ controllers: [SessionController] })
class SessionModule {}

class MemorySessions {
  readonly all = new Map<string, HttpSession>();
  token = async () => undefined;
  sessions = async (hashes: readonly string[]) => hashes.flatMap((hash) => this.all.get(hash) ?? []);
  endSession = async (hash: string) => void this.all.delete(hash);
  addProviderSession = async (hash: string, { name, role }: { name: string; role: Role }) =>
    void this.all.set(hash, { hash, name, role, mustChangePassword: false, fromProvider: true });
}

interface Provider {
  callback(): RequestListener;
}
/** It has no types of its own. */
const { default: OidcProvider } = (await import('oidc-provider' as string)) as {
  default: new (issuer: string, configuration: object) => Provider;
};

let idp: Server;
let issuer: string;
let app: NestFastifyApplication;
let page: string;
const sessions = new MemorySessions();
const lifecycle = new Lifecycle();

beforeAll(async () => {
  idp = createServer((request, response) => provider(request, response));
  await new Promise<void>((resolve) => idp.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(idp.address() as AddressInfo).port}`;
  const port = await freePort();
  page = `http://127.0.0.1:${port}`;
  const redirectUrl = `${page}/api/session/oidc/callback`;
  const provider = new OidcProvider(issuer, {
    clients: [{ client_id: 'milepost', client_secret: 'a secret of the client', redirect_uris: [redirectUrl] }],
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
    pkce: { required: () => true },
    cookies: { keys: ['a key'] },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: `id-of-${id}`, preferred_username: id, groups: GROUPS[id] }),
    }),
  }).callback();
  const settings = readSettings('dashboard', {
    MILEPOST_HTTP_AUTHENTICATION: 'required',
    DATABASE_URL: 'postgres://127.0.0.1/none',
    MILEPOST_OIDC_ISSUER: issuer,
    MILEPOST_OIDC_CLIENT_ID: 'milepost',
    MILEPOST_OIDC_CLIENT_SECRET: 'a secret of the client',
    MILEPOST_OIDC_REDIRECT_URL: redirectUrl,
    MILEPOST_OIDC_ROLES_CLAIM: 'groups',
    MILEPOST_OIDC_ROLES: 'fleet-admins=admin,everyone=viewer',
  });
  const frame = ChassisModule.with({ settings, logger: silentLogger, meter: new PrometheusMeter(), lifecycle });
  const module = await Test.createTestingModule({ imports: [frame, AccountsModule, SessionModule] })
    .overrideProvider(DatabasePart)
    .useValue({})
    .overrideProvider(HttpUsersPart)
    .useValue({ users: { store: sessions satisfies Partial<HttpAccessStore> } })
    .compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  await app.listen(port, '127.0.0.1');
});
afterAll(async () => {
  await app.close();
  idp.closeAllConnections();
  idp.close();
});
beforeEach(() => sessions.all.clear());

interface Init extends RequestInit {
  readonly headers?: Record<string, string>;
}

/** Keeps cookies by their origin, and follows no redirect by itself. */
class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();

  async get(url: string, { headers, ...init }: Init = {}): Promise<Response> {
    const { origin } = new URL(url);
    const cookies = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, cookies);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', ...init, headers: { ...headers, cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  }

  cookie(name: string): string | undefined {
    return this.#cookies.get(page)?.get(name);
  }

  setCookie(name: string, value: string): void {
    this.#cookies.get(page)?.set(name, value);
  }

  /** From the button on the sign-in page, through the provider's pages, to the address that it sends back to. */
  async authorized(username: string): Promise<string> {
    let response = await this.get(`${page}/api/session/oidc`);
    for (let steps = 0; steps < 20; steps++) {
      const next = response.headers.get('location');
      if (next?.startsWith(`${page}/`)) return next;
      response = next ? await this.get(new URL(next, response.url).href) : await this.#submit(response, username);
    }
    throw new Error('the provider sends the browser in a circle');
  }

  /** The provider's form: first its login, then the consent. */
  async #submit(response: Response, username: string): Promise<Response> {
    const html = await response.text();
    const action = /action="([^"]+)"/.exec(html)?.[1];
    if (!action) throw new Error(`expected a form, seen ${html.slice(0, 500)}`);
    const prompt = /name="prompt" value="(\w+)"/.exec(html)?.[1] ?? '';
    const body = new URLSearchParams({ prompt, login: username, password: 'any' });
    return this.get(new URL(action, response.url).href, { method: 'POST', body });
  }

  async signedIn(username: string): Promise<Response> {
    return this.get(await this.authorized(username));
  }

  async session(): Promise<unknown> {
    const response = await this.get(`${page}/api/session`);
    return response.status === 200 ? ((await response.json()) as { user: unknown }).user : response.status;
  }
}

const PROBLEM = '../../../sign-in/?problem=provider';

test('a user of the provider is signed in, with the role of a group, until signing out', async () => {
  const browser = new Browser();
  const response = await browser.signedIn('maria');
  expect([response.status, response.headers.get('location')]).toEqual([303, '../../../']);
  expect(await browser.session()).toEqual({ kind: 'session', name: 'maria', role: 'admin', mustChangePassword: false });
  expect(browser.cookie('milepost_oidc')).toBeUndefined();
  await browser.get(`${page}/api/session`, { method: 'DELETE', headers: { origin: page } });
  expect(await browser.session()).toBe(401);
});

test('a group of fewer rights is a lesser role', async () => {
  const browser = new Browser();
  await browser.signedIn('ole');
  expect(await browser.session()).toMatchObject({ name: 'ole', role: 'viewer' });
});

test('a user without a role here is not let in, and the page can say so', async () => {
  const browser = new Browser();
  const response = await browser.signedIn('stranger');
  expect(response.headers.get('location')).toBe('../../../sign-in/?problem=no-role');
  expect(await browser.session()).toBe(401);
});

test('a session of the provider has no password to change', async () => {
  const browser = new Browser();
  await browser.signedIn('maria');
  const response = await browser.get(`${page}/api/session/password`, {
    method: 'PUT',
    headers: { origin: page, 'content-type': 'application/json' },
    body: JSON.stringify({ password: 'x', newPassword: 'a new password' }),
  });
  expect(response.status).toBe(403);
  expect(await response.text()).toContain('the password of this user is at the identity provider');
});

test('a code is good once', async () => {
  const browser = new Browser();
  const back = await browser.authorized('maria');
  const pending = browser.cookie('milepost_oidc') ?? '';
  await browser.get(back);
  browser.setCookie('milepost_oidc', pending);
  expect((await browser.get(back)).headers.get('location')).toBe(PROBLEM);
});

test('a browser that did not begin cannot finish: the code of another one is worth nothing', async () => {
  const back = await new Browser().authorized('maria');
  const victim = new Browser();
  expect((await victim.get(back)).headers.get('location')).toBe(PROBLEM);
  await victim.get(`${page}/api/session/oidc`);
  expect((await victim.get(back)).headers.get('location')).toBe(PROBLEM);
  expect(sessions.all.size).toBe(0);
});

test.each(['state', 'nonce', 'verifier'] as const)('another %s than the one that was sent is refused', async (name) => {
  const browser = new Browser();
  const back = await browser.authorized('maria');
  const pending = JSON.parse(Buffer.from(browser.cookie('milepost_oidc') ?? '', 'base64url').toString()) as object;
  const other = { ...pending, [name]: 'x'.repeat(43) };
  browser.setCookie('milepost_oidc', Buffer.from(JSON.stringify(other)).toString('base64url'));
  expect((await browser.get(back)).headers.get('location')).toBe(PROBLEM);
  expect(sessions.all.size).toBe(0);
});

test.each([
  ['nothing', ''],
  ['an error', '?error=access_denied&error_description=<script>'],
  ['a code alone', '?code=x'],
  ['a code of its own', '?code=x&state=y&iss=https://other.example'],
  ['two states', '?code=x&state=y&state=z'],
  ['8 KB', `?code=${'x'.repeat(8_000)}&state=y`],
])('a browser that comes back with %s is sent to the sign-in page', async (_name, query) => {
  const browser = new Browser();
  await browser.get(`${page}/api/session/oidc`);
  const response = await browser.get(`${page}/api/session/oidc/callback${query}`);
  expect([response.status, response.headers.get('location')]).toEqual([303, PROBLEM]);
});

test.each(['', 'x', Buffer.from('null').toString('base64url'), Buffer.from('{"state":1}').toString('base64url')])(
  'a cookie that is none is refused: %j',
  async (cookie) => {
    const browser = new Browser();
    const back = await browser.authorized('maria');
    browser.setCookie('milepost_oidc', cookie);
    expect((await browser.get(back)).headers.get('location')).toBe(PROBLEM);
  },
);

test('the page is told that there is a provider', async () => {
  expect(await (await new Browser().get(`${page}/api/session/ways`)).json()).toEqual({
    password: true,
    provider: true,
  });
});

test('the cookie of a session and its hash are not in the address, and the store has the hash alone', async () => {
  const browser = new Browser();
  await browser.signedIn('maria');
  expect([...sessions.all.keys()]).toEqual([secretHash(browser.cookie('milepost_session') ?? '')]);
});
