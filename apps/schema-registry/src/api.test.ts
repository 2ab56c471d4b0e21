// The registry's REST API as Confluent's clients see it, and who may use which route.
import { silentLogger } from '@milepost/core';
import { MemoryRegistryStore, RegistryScopes, SchemaRegistry } from '@milepost/registry';
import { type HttpAccessStore, type HttpToken, type Role, ROLES, secretHash } from '@milepost/security';
import { readSettings } from '@milepost/settings';
import { PrometheusMeter } from '@milepost/telemetry';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  ChassisModule,
  DatabasePart,
  HttpAuthenticationModule,
  HttpUsersPart,
  DatabaseModule,
  Lifecycle,
} from '../../chassis/src/index.ts';
import { SchemaRegistryModule } from './schema-registry.module.ts';
import { REGISTRY, SCOPES } from './tokens.ts';

/** For each route: the least role that is allowed. */
const ROWS: Record<string, Role> = {
  'GET /api/registry': 'viewer',
  'GET /api/registry/contexts': 'viewer',
  'GET /api/registry/schemas': 'viewer',
  'GET /api/registry/schemas/types': 'viewer',
  'GET /api/registry/schemas/ids/:id': 'viewer',
  'GET /api/registry/schemas/ids/:id/schema': 'viewer',
  'GET /api/registry/schemas/ids/:id/subjects': 'viewer',
  'GET /api/registry/schemas/ids/:id/versions': 'viewer',
  'GET /api/registry/subjects': 'viewer',
  'POST /api/registry/subjects/:subject': 'viewer',
  'DELETE /api/registry/subjects/:subject': 'admin',
  'GET /api/registry/subjects/:subject/versions': 'viewer',
  'POST /api/registry/subjects/:subject/versions': 'operator',
  'GET /api/registry/subjects/:subject/versions/:version': 'viewer',
  'GET /api/registry/subjects/:subject/versions/:version/schema': 'viewer',
  'GET /api/registry/subjects/:subject/versions/:version/referencedby': 'viewer',
  'DELETE /api/registry/subjects/:subject/versions/:version': 'admin',
  'POST /api/registry/compatibility/subjects/:subject/versions': 'viewer',
  'POST /api/registry/compatibility/subjects/:subject/versions/:version': 'viewer',
  'GET /api/registry/config': 'viewer',
  'PUT /api/registry/config': 'admin',
  'DELETE /api/registry/config': 'admin',
  'GET /api/registry/config/:subject': 'viewer',
  'PUT /api/registry/config/:subject': 'admin',
  'DELETE /api/registry/config/:subject': 'admin',
  'GET /api/registry/mode': 'viewer',
  'PUT /api/registry/mode': 'admin',
  'DELETE /api/registry/mode': 'admin',
  'GET /api/registry/mode/:subject': 'viewer',
  'PUT /api/registry/mode/:subject': 'admin',
  'DELETE /api/registry/mode/:subject': 'admin',
};

interface Route {
  readonly method: string;
  readonly url: string;
}

const tokens = new Map<string, HttpToken>(
  ROLES.map((role) => [secretHash(`token-of-${role}`), { name: role, role, createdAt: new Date(), expiresAt: null }]),
);
const users = {
  token: async (hash) => tokens.get(hash),
  sessions: async () => [],
} satisfies Partial<HttpAccessStore>;

const routes: Route[] = [];
let app: NestFastifyApplication;
let store: MemoryRegistryStore;

beforeAll(async () => {
  const settings = readSettings('schema-registry', {
    MILEPOST_HTTP_AUTHENTICATION: 'required',
    DATABASE_URL: 'postgres://127.0.0.1/none',
  });
  const lifecycle = new Lifecycle();
  const frame = ChassisModule.with({ settings, logger: silentLogger, meter: new PrometheusMeter(), lifecycle });
  const imports = [frame, DatabaseModule, HttpAuthenticationModule, SchemaRegistryModule];
  const module = await Test.createTestingModule({ imports })
    .overrideProvider(DatabasePart)
    .useValue({})
    .overrideProvider(HttpUsersPart)
    .useValue({ users: { store: users } })
    .overrideProvider(REGISTRY)
    .useValue(() => new SchemaRegistry(store))
    .overrideProvider(SCOPES)
    .useValue(() => new RegistryScopes(store))
    .compile();
  const adapter = new FastifyAdapter();
  adapter.getInstance().addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) if (one !== 'HEAD' && one !== 'OPTIONS') routes.push({ method: one, url });
  });
  app = module.createNestApplication<NestFastifyApplication>(adapter, { logger: false });
  await app.init();
});
beforeEach(() => {
  store = new MemoryRegistryStore();
});
afterAll(() => app.close());

const authorizationOf = (role: Role): string => `Bearer token-of-${role}`;

interface Wanted {
  readonly method?: string;
  readonly body?: object;
  readonly authorization?: string | undefined;
}

async function request(path: string, { method = 'GET', body, authorization = authorizationOf('admin') }: Wanted = {}) {
  const response = await app.inject({
    method: method as 'GET',
    url: `/api/registry${path}`,
    headers: {
      ...(authorization !== '' && { authorization }),
      ...(body && { 'content-type': 'application/vnd.schemaregistry.v1+json' }),
    },
    ...(body && { payload: JSON.stringify(body) }),
  });
  return { status: response.statusCode, body: response.body === '' ? undefined : (parsed(response.body) as unknown) };
}

const parsed = (text: string): unknown => (/^[[{"\d]/.test(text) ? JSON.parse(text) : text);
const post = (path: string, body: object) => request(path, { method: 'POST', body });
const put = (path: string, body: object) => request(path, { method: 'PUT', body });
const remove = (path: string) => request(path, { method: 'DELETE' });

test('every route has a row, and every row a route', () => {
  const own = routes.filter(({ url }) => url.startsWith('/api/registry')).map(({ method, url }) => `${method} ${url}`);
  expect([...new Set(own)].sort()).toEqual(Object.keys(ROWS).sort());
});

test.each(['anonymous', ...ROLES] as const)('%s may use exactly the routes that the rows say', async (caller) => {
  const wrong: string[] = [];
  for (const [row, least] of Object.entries(ROWS)) {
    const [method = '', url = ''] = row.split(' ');
    const path = url.replace('/api/registry', '').replace(/:\w+/g, '1');
    const authorization = caller === 'anonymous' ? '' : authorizationOf(caller);
    const { status } = await request(path, { method, authorization, ...(method !== 'GET' && { body: {} }) });
    const isAllowed = status !== 401 && status !== 403;
    const isExpected = caller !== 'anonymous' && ROLES.indexOf(caller) >= ROLES.indexOf(least);
    if (isAllowed !== isExpected) wrong.push(`${caller}: ${row} is ${status}`);
  }
  expect(wrong).toEqual([]);
});

test('a client that knows only Basic sends its token as the password', async () => {
  const basic = (password: string): string => `Basic ${Buffer.from(`anything:${password}`).toString('base64')}`;
  expect(await request('/subjects', { authorization: basic('token-of-viewer') })).toEqual({ status: 200, body: [] });
  expect((await request('/subjects', { authorization: basic('another') })).status).toBe(401);
});

test('a schema is registered, found by its id, by its version and by itself', async () => {
  const schema = '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}';
  expect(await post('/subjects/x-value/versions', { schema })).toEqual({ status: 200, body: { id: 1 } });
  expect(await request('/schemas/ids/1')).toEqual({ status: 200, body: { schema } });
  expect(await request('/schemas/ids/1?fetchMaxId=true')).toEqual({ status: 200, body: { schema, maxId: 1 } });
  expect((await request('/schemas/ids/1/schema')).body).toEqual(JSON.parse(schema));
  const version = { subject: 'x-value', version: 1, id: 1, schema };
  expect(await request('/subjects/x-value/versions/latest')).toEqual({ status: 200, body: version });
  expect(await request('/subjects/x-value/versions/1')).toEqual({ status: 200, body: version });
  expect(await post('/subjects/x-value', { schema })).toEqual({ status: 200, body: version });
  expect(await request('/schemas')).toEqual({ status: 200, body: [version] });
  expect((await request('/schemas/ids/1/versions')).body).toEqual([{ subject: 'x-value', version: 1 }]);
  expect((await request('/subjects')).body).toEqual(['x-value']);
  expect((await request('/schemas/types')).body).toEqual(['JSON', 'PROTOBUF', 'AVRO']);
});

test('a Protobuf schema has its type and its references, and a descriptor on request', async () => {
  const point = 'syntax = "proto3"; message Point { double lat = 1; }';
  await post('/subjects/point.proto/versions', { schema: point, schemaType: 'PROTOBUF' });
  const references = [{ name: 'point.proto', subject: 'point.proto', version: 1 }];
  const schema = 'syntax = "proto3"; import "point.proto"; message Ride { Point at = 1; }';
  await post('/subjects/ride/versions', { schema, schemaType: 'PROTOBUF', references });
  expect((await request('/schemas/ids/2')).body).toEqual({ schema, schemaType: 'PROTOBUF', references });
  expect((await request('/subjects/point.proto/versions/1/referencedby')).body).toEqual([2]);
  const described = (await request('/schemas/ids/1?format=serialized')).body as { readonly schema: string };
  expect(Buffer.from(described.schema, 'base64').includes('Point')).toBe(true);
});

test('a subject’s name may have a slash', async () => {
  await post('/subjects/a%2Fb/versions', { schema: '"int"' });
  expect((await request('/subjects')).body).toEqual(['a/b']);
});

test('compatibility is asked without registering anything', async () => {
  await post('/subjects/x/versions', { schema: '"int"' });
  const ask = (path: string, schema: string) => post(`/compatibility/subjects/x/versions${path}`, { schema });
  expect((await ask('/latest', '"long"')).body).toEqual({ is_compatible: true });
  expect((await ask('?verbose=true', '"long"')).body).toEqual({ is_compatible: true, messages: [] });
  expect((await ask('/1?verbose=true', '"string"')).body).toEqual({
    is_compatible: false,
    messages: ['reading version 1: /: TYPE_MISMATCH: string cannot read int'],
  });
  expect((await request('/subjects/x/versions')).body).toEqual([1]);
});

test('levels and modes are read, set and removed', async () => {
  expect((await request('/config')).body).toEqual({ compatibilityLevel: 'BACKWARD' });
  expect((await put('/config', { compatibility: 'FULL' })).body).toEqual({ compatibility: 'FULL' });
  expect((await request('/config/x?defaultToGlobal=true')).body).toEqual({ compatibilityLevel: 'FULL' });
  expect((await put('/config/x', { compatibility: 'NONE' })).body).toEqual({ compatibility: 'NONE' });
  expect((await remove('/config/x')).body).toEqual({ compatibilityLevel: 'NONE' });
  expect((await request('/mode')).body).toEqual({ mode: 'READWRITE' });
  expect((await put('/mode/x', { mode: 'READONLY' })).body).toEqual({ mode: 'READONLY' });
  expect((await post('/subjects/x/versions', { schema: '"int"' })).body).toMatchObject({ error_code: 42205 });
});

test('deleting is done in two steps', async () => {
  await post('/subjects/x/versions', { schema: '"int"' });
  expect((await remove('/subjects/x/versions/1')).body).toBe(1);
  expect((await remove('/subjects/x/versions/1?permanent=true')).body).toBe(1);
  await post('/subjects/x/versions', { schema: '"long"' });
  expect((await remove('/subjects/x')).body).toEqual([1]);
  expect((await remove('/subjects/x?permanent=true')).body).toEqual([1]);
});

test.each<[string, () => ReturnType<typeof request>, number, number]>([
  ['no such subject', () => request('/subjects/x/versions'), 404, 40401],
  ['no such id', () => request('/schemas/ids/7'), 404, 40403],
  ['an id that is none', () => request('/schemas/ids/seven'), 404, 40403],
  ['no schema', () => post('/subjects/x/versions', {}), 422, 42201],
  ['a wrong schema', () => post('/subjects/x/versions', { schema: '"nothing"' }), 422, 42201],
  ['an unknown type', () => post('/subjects/x/versions', { schema: '"int"', schemaType: 'XML' }), 422, 42201],
  ['a rule set', () => post('/subjects/x/versions', { schema: '"int"', ruleSet: {} }), 422, 42210],
  ['a wrong version', () => request('/subjects/x/versions/first'), 422, 42202],
  ['a wrong level', () => put('/config', { compatibility: 'STRICT' }), 422, 42203],
  ['a wrong mode', () => put('/mode', { mode: 'OFF' }), 422, 42204],
  ['a context', () => post('/subjects/:.prod:x/versions', { schema: '"int"' }), 422, 42208],
])('a mistake has Confluent’s number: %s', async (_, ask, status, code) => {
  const response = await ask();
  expect(response).toMatchObject({ status, body: { error_code: code } });
});

test('a schema that may not follow is a conflict, and says why', async () => {
  await post('/subjects/x/versions', { schema: '"int"' });
  expect(await post('/subjects/x/versions', { schema: '"string"' })).toEqual({
    status: 409,
    body: {
      error_code: 409,
      message:
        'Schema being registered is incompatible with an earlier schema for subject "x", details: ' +
        '[reading version 1: /: TYPE_MISMATCH: string cannot read int]',
    },
  });
});
