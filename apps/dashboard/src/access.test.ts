// Every HTTP route of the appliance's port, and who may use it. The routes are those that the router has: one without a row fails.
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { MemoryRuleStore } from '@milepost/alerts';
import { silentLogger } from '@milepost/core';
import {
  type HttpAccessStore,
  type HttpSession,
  type HttpToken,
  type HttpUser,
  MemoryDeviceStore,
  type Role,
  ROLES,
  secretHash,
} from '@milepost/security';
import { BUILT_IN_ROUTES, MemoryRouteStore, RouteCatalog } from '@milepost/routes';
import { readSettings } from '@milepost/settings';
import { PrometheusMeter } from '@milepost/telemetry';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import { WebSocket } from 'ws';
import {
  ChassisModule,
  DatabasePart,
  ForeignKafkaPart,
  HttpUsersPart,
  KafkaFromSettingsModule,
  Lifecycle,
} from '../../chassis/src/index.ts';
import { AccountsModule } from './accounts/accounts.module.ts';
import { DashboardModule } from './dashboard.module.ts';
import { TRUCK_LOG } from './live-map.part.ts';
import { DEAD_LETTERS } from './dead-letters/dead-letters.controller.ts';
import { DEVICE_STORE } from './devices/devices.controller.ts';
import { MemoryLog } from './memory-log.ts';
import { OPERATIONS } from './operations.controller.ts';
import { OPEN_TOPIC, ROUTE_CATALOG } from './routes/routes.controller.ts';
import { RULE_STORE } from './rules/rules.controller.ts';

type Caller = 'anonymous' | 'new' | Role;
/** `new`: a user who has not changed the password that somebody else gave. */
const CALLERS: readonly Caller[] = ['anonymous', 'new', ...ROLES];

/** For each route: the least caller who is allowed. 'signed-in': any user. */
const ROWS: Record<string, 'anonymous' | 'signed-in' | Role> = {
  'GET /': 'viewer',
  'GET /assets/*': 'anonymous', // code and styles of both pages, the same in every installation
  'GET /manage/': 'viewer',
  'GET /roads.json': 'viewer',
  'GET /docs': 'viewer',
  'GET /docs/*': 'viewer',
  'GET /docs-json': 'viewer',
  'GET /docs-yaml': 'viewer',
  'GET /sign-in/*': 'anonymous',
  'GET /health/live': 'anonymous',
  'GET /health/ready': 'anonymous',
  'GET /metrics': 'viewer',
  'GET /api/trucks': 'viewer',
  'GET /api/trucks/:id': 'viewer',
  'GET /api/trucks/:id/track': 'viewer',
  'GET /api/alerts': 'viewer',
  'GET /api/rules': 'viewer',
  'GET /api/rules/:id': 'viewer',
  'POST /api/rules': 'operator',
  'POST /api/rules/import': 'operator',
  'POST /api/rules/backtest': 'operator',
  'PUT /api/rules/:id': 'operator',
  'PATCH /api/rules/:id': 'operator',
  'DELETE /api/rules/:id': 'operator',
  'GET /api/cluster': 'viewer',
  'GET /api/topics': 'viewer',
  'GET /api/groups': 'viewer',
  'GET /api/routes': 'viewer',
  'GET /api/routes/:name': 'viewer',
  'POST /api/routes': 'operator',
  'PUT /api/routes/:name': 'operator',
  'DELETE /api/routes/:name': 'operator',
  'POST /api/routes/try': 'viewer',
  'GET /api/devices': 'viewer',
  'GET /api/devices/:id': 'viewer',
  'POST /api/devices': 'operator',
  'POST /api/devices/import': 'operator',
  'POST /api/devices/:id/password': 'operator',
  'PATCH /api/devices/:id': 'operator',
  'DELETE /api/devices/:id': 'operator',
  'GET /api/dead-letters': 'viewer',
  'GET /api/dead-letters/:id': 'viewer',
  'POST /api/dead-letters/:id/send-again': 'operator',
  'GET /api/session': 'signed-in',
  'POST /api/session': 'anonymous',
  'GET /api/session/ways': 'anonymous',
  'GET /api/session/oidc': 'anonymous',
  'GET /api/session/oidc/callback': 'anonymous',
  'DELETE /api/session': 'signed-in',
  'PUT /api/session/password': 'signed-in',
  'GET /api/users': 'admin',
  'PUT /api/users/:name': 'admin',
  'DELETE /api/users/:name': 'admin',
  'GET /api/tokens': 'admin',
  'POST /api/tokens': 'admin',
  'DELETE /api/tokens/:name': 'admin',
};

function rowOf({ method, url }: Route): string {
  const path = url.replace(/^\/(assets|docs|sign-in)\/.*$/, '/$1/*');
  return `${method} ${path}`;
}

interface Route {
  readonly method: string;
  readonly url: string;
}

class MemoryUsers implements HttpAccessStore {
  readonly all = new Map<string, HttpUser>();
  readonly #sessions = new Map<string, string>();
  readonly #tokens = new Map<string, HttpToken>();
  isAway = false;

  user = async () => undefined;
  decoySecret = async () => Buffer.from('secret');
  users = async () => [...this.all.values()];
  setUser = async (user: HttpUser) => void this.all.set(user.name, user);
  removeUser = async (name: string) => this.all.delete(name);
  addSession = async (hash: string, username: string) => void this.#sessions.set(hash, username);
  addProviderSession = async () => {};
  endSession = async (hash: string) => void this.#sessions.delete(hash);
  tokens = async () => [...this.#tokens.values()];
  addToken = async (hash: string, token: HttpToken) => this.#tokens.set(hash, token).size > 0;
  token = async (hash: string) => this.#tokens.get(hash);
  removeToken = async () => false;

  async sessions(hashes: readonly string[]): Promise<readonly HttpSession[]> {
    if (this.isAway) throw new Error('connection refused');
    return hashes.flatMap((hash) => {
      const user = this.all.get(this.#sessions.get(hash) ?? '');
      return user ? [{ hash, ...user }] : [];
    });
  }
}

const store = new MemoryUsers();
const rules = new MemoryRuleStore();
const devices = new MemoryDeviceStore();
const routes: Route[] = [];
const lifecycle = new Lifecycle();
let app: NestFastifyApplication;

beforeAll(async () => {
  const settings = readSettings('dashboard', {
    MILEPOST_HTTP_AUTHENTICATION: 'required',
    DATABASE_URL: 'postgres://127.0.0.1/none',
  });
  const frame = ChassisModule.with({ settings, logger: silentLogger, meter: new PrometheusMeter(), lifecycle });
  const imports = [frame, KafkaFromSettingsModule, DashboardModule, AccountsModule];
  const catalog = new RouteCatalog({ kind: 'built-in', routes: BUILT_IN_ROUTES }, new MemoryRouteStore());
  const module = await Test.createTestingModule({ imports })
    .overrideProvider(ForeignKafkaPart)
    .useValue({})
    .overrideProvider(DatabasePart)
    .useValue({})
    .overrideProvider(HttpUsersPart)
    .useValue({
      users: { store, set: async () => {}, remove: async () => {} },
      signIn: { attempt: async () => ({ kind: 'refused' }) },
    })
    .overrideProvider(ROUTE_CATALOG)
    .useValue(() => catalog)
    .overrideProvider(OPEN_TOPIC)
    .useValue(async () => {})
    .overrideProvider(TRUCK_LOG)
    .useValue(new MemoryLog())
    .overrideProvider(RULE_STORE)
    .useValue(() => rules)
    .overrideProvider(DEAD_LETTERS)
    .useValue(() => ({ ranges: async () => [], close: async () => {} }))
    .overrideProvider(DEVICE_STORE)
    .useValue(() => devices)
    .overrideProvider(OPERATIONS)
    .useValue({ topics: async () => [], groups: async () => [], close: async () => {} })
    .compile();
  const adapter = new FastifyAdapter();
  adapter.getInstance().addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) if (one !== 'HEAD' && one !== 'OPTIONS') routes.push({ method: one, url });
  });
  app = module.createNestApplication<NestFastifyApplication>(adapter, { logger: false });
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, new DocumentBuilder().build()));
  await app.listen(0, '127.0.0.1');
  await lifecycle.start();
  for (const caller of CALLERS) if (caller !== 'anonymous') await signIn(caller);
});

afterAll(async () => {
  await lifecycle.stop();
  await app.close();
});

async function signIn(caller: Exclude<Caller, 'anonymous'>): Promise<void> {
  const isNew = caller === 'new';
  await store.setUser({ name: caller, role: isNew ? 'admin' : caller, mustChangePassword: isNew });
  await store.addSession(secretHash(`secret-of-${caller}`), caller);
}

const cookieOf = (caller: Caller): Record<string, string> =>
  caller === 'anonymous' ? {} : { cookie: `milepost_session=secret-of-${caller}` };
const OWN_PAGE = { host: '127.0.0.1', origin: 'http://127.0.0.1' };

type Wanted = { readonly method: string; readonly url: string; readonly headers?: Record<string, string> };
const request = ({ method, url, headers = {} }: Wanted) =>
  app.inject({ method: method as 'GET', url, headers, ...(method === 'GET' ? {} : { payload: {} }) });

function isExpected(caller: Caller, least: (typeof ROWS)[string]): boolean {
  if (least === 'anonymous') return true;
  if (least === 'signed-in') return caller !== 'anonymous';
  return ROLES.indexOf(caller as Role) >= ROLES.indexOf(least);
}

test('every route has a row, and every row a route', () => {
  const known = new Set(routes.map(rowOf));
  expect([...known].filter((row) => !(row in ROWS)).sort()).toEqual([]);
  expect(Object.keys(ROWS).filter((row) => !known.has(row))).toEqual([]);
});

test.each(CALLERS)('%s may use exactly the routes that the rows say', async (caller) => {
  const wrong: string[] = [];
  for (const route of routes) {
    const least = ROWS[rowOf(route)];
    if (least === undefined) continue; // the test above
    if (caller !== 'anonymous') await signIn(caller); // a row may have signed out
    const url = route.url.replace(/:\w+/g, 'truck-1').replace('*', '');
    const { statusCode } = await request({ ...route, url, headers: { ...OWN_PAGE, ...cookieOf(caller) } });
    const isWrongPassword = rowOf(route) === 'POST /api/session' || rowOf(route) === 'PUT /api/session/password';
    const isAllowed = isWrongPassword ? statusCode === 400 : statusCode !== 401 && statusCode !== 403;
    if (isAllowed !== isExpected(caller, least)) wrong.push(`${caller}: ${route.method} ${url} is ${statusCode}`);
  }
  expect(wrong).toEqual([]);
});

test('a page of another site cannot use a session, nor can a change without an Origin', async () => {
  const change = { method: 'DELETE', url: '/api/users/somebody' };
  const cookie = cookieOf('admin');
  expect((await request({ ...change, headers: { ...OWN_PAGE, ...cookie } })).statusCode).toBe(204);
  expect((await request({ ...change, headers: { host: '127.0.0.1', ...cookie } })).statusCode).toBe(403);
  const foreign = { host: '127.0.0.1', origin: 'https://evil.example', ...cookie };
  expect((await request({ ...change, headers: foreign })).statusCode).toBe(403);
});

test('a cookie of a removed user stops working at once', async () => {
  const trucks = () => request({ method: 'GET', url: '/api/trucks', headers: cookieOf('viewer') });
  expect((await trucks()).statusCode).toBe(200);
  await store.removeUser('viewer');
  expect((await trucks()).statusCode).toBe(401);
  await signIn('viewer');
  expect((await trucks()).statusCode).toBe(200);
});

test('a token does what its role may, and a wrong one is not made good by a cookie', async () => {
  const token = { name: 'prometheus', role: 'viewer', createdAt: new Date(), expiresAt: null } as const;
  await store.addToken(secretHash('milepost_token'), token);
  const authorization = 'Bearer milepost_token';
  const get = (url: string, headers: Record<string, string>) => request({ method: 'GET', url, headers });
  expect((await get('/metrics', { authorization })).statusCode).toBe(200);
  expect((await get('/api/users', { authorization })).statusCode).toBe(403);
  const wrong = await get('/metrics', { authorization: 'Bearer another', ...cookieOf('admin') });
  expect(wrong.statusCode).toBe(401);
  expect(wrong.headers['www-authenticate']).toBe('Bearer');
});

test('a browser is sent to the sign-in page, also from below a path; a program gets 401', async () => {
  const accept = { accept: 'text/html,application/xhtml+xml' };
  const at = async (url: string) => (await request({ method: 'GET', url, headers: accept })).headers['location'];
  expect(await at('/')).toBe('sign-in/');
  expect(await at('/docs')).toBe('sign-in/');
  expect(await at('/docs/x')).toBe('../sign-in/');
  expect((await request({ method: 'GET', url: '/api/trucks', headers: accept })).statusCode).toBe(401);
  expect((await request({ method: 'GET', url: '/' })).statusCode).toBe(401);
});

test('while the database is away nobody is let in, and nobody is told to sign in', async () => {
  store.isAway = true;
  const { statusCode } = await request({ method: 'GET', url: '/api/trucks', headers: cookieOf('admin') });
  store.isAway = false;
  expect(statusCode).toBe(503);
});

test('the live positions are for those who are signed in, and end when the user is removed', async () => {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const open = (headers: Record<string, string>) => new WebSocket(`ws://127.0.0.1:${port}/api/live`, { headers });
  const [error] = await once(open({}), 'error');
  expect(String(error)).toContain('401');
  const [foreign] = await once(open({ ...cookieOf('viewer'), origin: 'https://evil.example' }), 'error');
  expect(String(foreign)).toContain('403');
  const socket = open(cookieOf('viewer'));
  await once(socket, 'message');
  await store.removeUser('viewer');
  const [code] = await once(socket, 'close');
  expect(code).toBe(1008);
});

test.each([
  ['a prototype in JSON', 'application/json', '{"username":"a","password":"b","__proto__":{"role":"admin"}}', 400],
  ['a constructor in JSON', 'application/json', '{"constructor":{"prototype":{"role":"admin"}}}', 400],
  ['JSON that nests ten thousand times', 'application/json', '['.repeat(10_000), 400],
  ['a body above a megabyte', 'application/json', `{"username":"a","password":"${'x'.repeat(1_100_000)}"}`, 413],
  ['a compressed body, which is not unpacked', 'application/json', gzipSync(Buffer.alloc(100_000_000)), 400],
  ['another type', 'text/xml', '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>', 415],
])('%s before authentication is refused', async (_what, type, payload, status) => {
  const headers = { ...OWN_PAGE, 'content-type': type };
  const { statusCode } = await app.inject({ method: 'POST', url: '/api/session', headers, payload });
  expect(statusCode).toBe(status);
  expect(({} as { role?: string }).role).toBeUndefined();
});

test.each(['/assets/../../../package.json', '/assets/%2e%2e/%2e%2e/package.json', '/sign-in/..%5c..%5cpackage.json'])(
  'a path out of the page is no file: %s',
  async (path) => {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const asked = get({ host: '127.0.0.1', port, path }); // unlike a browser, it sends the path as it is
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(401);
  },
);
