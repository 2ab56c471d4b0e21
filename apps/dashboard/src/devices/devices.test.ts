import { pbkdf2Sync } from 'node:crypto';
import { silentLogger } from '@milepost/core';
import { nodeRandom } from '@milepost/node-host';
import { TransactionLost } from '@milepost/postgres';
import { MemoryDeviceStore } from '@milepost/security';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { HOST, LOGGER } from '../../../chassis/src/index.ts';
import { acceptCsv } from './accept-csv.ts';
import { DEVICE_STORE, DevicesController } from './devices.controller.ts';

let store: MemoryDeviceStore;
let storeOf: () => MemoryDeviceStore;
let app: NestFastifyApplication;
const keys = {
  pbkdf2: async (password: string, salt: Uint8Array) => pbkdf2Sync(password, salt, 1, 32, 'sha256'),
};

beforeAll(async () => {
  const module = await Test.createTestingModule({
    controllers: [DevicesController],
    providers: [
      { provide: DEVICE_STORE, useValue: () => storeOf() },
      { provide: HOST, useValue: { keys, random: nodeRandom } },
      { provide: LOGGER, useValue: silentLogger },
    ],
  }).compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  acceptCsv(app.getHttpAdapter().getInstance());
  await app.init();
});
beforeEach(() => {
  store = new MemoryDeviceStore();
  storeOf = () => store;
});
afterAll(() => app.close());

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
async function request(method: Method, path: string, payload?: object): Promise<{ status: number; body: any }> {
  const { body, statusCode } = await app.inject({ method, url: `/api/devices${path}`, ...(payload && { payload }) });
  return { status: statusCode, body: body === '' ? undefined : JSON.parse(body) };
}

async function imported(csv: string, query = '') {
  const headers = { 'content-type': 'text/csv' };
  const url = `/api/devices/import${query}`;
  const { body, statusCode } = await app.inject({ method: 'POST', url, headers, payload: csv });
  return {
    status: statusCode,
    lines: body
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text)),
  };
}

test('a device is registered with a password that is shown once, changed, blocked and removed', async () => {
  const added = await request('POST', '', { id: 't-1' });
  const fresh = {
    id: 't-1',
    isBlocked: false,
    hasPassword: true,
    publish: [],
    subscribe: [],
    lastSeen: null,
    failedLogins: 0,
    lastFailure: null,
    certificateEnds: null,
  };
  expect(added).toEqual({ status: 201, body: { device: fresh, password: expect.stringMatching(/^[\w-]{24}$/) } });
  expect(await request('GET', '/t-1')).toEqual({ status: 200, body: fresh });
  expect((await request('PATCH', '/t-1', { subscribe: ['trucks/#'] })).body).toEqual({
    ...fresh,
    subscribe: ['trucks/#'],
  });
  expect((await request('PATCH', '/t-1', { isBlocked: true })).body).toMatchObject({ isBlocked: true });
  const { body } = await request('POST', '/t-1/password');
  expect(body.password).not.toBe(added.body.password);
  expect((await request('DELETE', '/t-1')).status).toBe(204);
  expect((await request('GET', '/t-1')).status).toBe(404);
});

test('what gateways noticed is shown', async () => {
  await request('POST', '', { id: 't-1', password: null });
  await store.report([{ id: 't-1', seenAtMs: 0, failedLogins: 2, failedAtMs: 1_000, certificateEndsMs: 86_400_000 }]);
  expect((await request('GET', '/t-1')).body).toMatchObject({
    hasPassword: false,
    lastSeen: '1970-01-01T00:00:00.000Z',
    failedLogins: 2,
    lastFailure: '1970-01-01T00:00:01.000Z',
    certificateEnds: '1970-01-02T00:00:00.000Z',
  });
});

test('devices are listed page by page, found by a part of their id, and by being blocked', async () => {
  const ids = ['a-1', 'a-2', 'b-1', 'b-2', 'b-3'];
  await store.add(
    ids.map((id) => ({ id, credential: undefined, publish: [], subscribe: [] })),
    false,
  );
  await store.setBlocked('b-2', true);
  const idsOf = async (query: string) => {
    const { devices, next, total } = (await request('GET', query)).body;
    return { ids: devices.map(({ id }: { id: string }) => id), next, total };
  };
  expect(await idsOf('?limit=2')).toEqual({ ids: ['a-1', 'a-2'], next: 'a-2', total: 5 });
  expect(await idsOf('?limit=3&after=a-2')).toEqual({ ids: ['b-1', 'b-2', 'b-3'], next: null, total: 5 });
  expect(await idsOf('?search=B-&blocked=false')).toEqual({ ids: ['b-1', 'b-3'], next: null, total: 2 });
  expect((await request('GET', '?limit=0')).body.message).toBe(
    'limit: expected a whole number from 1 to 1000; saw "0"',
  );
  expect((await request('GET', '?blocked=yes')).body.message).toBe('blocked: expected true or false; saw "yes"');
});

test.each<[Method, string, object, number, string]>([
  ['POST', '', { id: 'trucks/+' }, 400, 'id: expected 1 to 128'],
  ['POST', '', { id: 't-1', colour: 'red' }, 400, 'expected id, password, publish, subscribe; saw colour'],
  ['POST', '', { id: 't-1', password: 7 }, 400, 'password: expected a text, or null'],
  ['POST', '', { id: 'known' }, 409, 'there is a device known already'],
  ['POST', '', [], 400, 'expected a JSON object'],
  ['PATCH', '/known', { publish: 'trucks/#' }, 400, 'publish: expected a list of topic filters'],
  ['PATCH', '/known', { publish: ['#/x'] }, 400, 'publish: expected topic filters'],
  ['PATCH', '/nobody', { publish: [] }, 404, 'there is no device nobody'],
  ['PATCH', '/t%2F1', { isBlocked: true }, 400, 'id: expected'],
  ['POST', '/nobody/password', {}, 404, 'there is no device nobody'],
  ['DELETE', '/nobody', {}, 404, 'there is no device nobody'],
  ['POST', '/import', {}, 400, 'expected a CSV (content-type: text/csv) with a header line, or a JSON list'],
])('%s %s of %j is a %d that says why', async (method, path, payload, status, message) => {
  await request('POST', '', { id: 'known', password: null });
  const refused = await request(method, path, payload);
  expect(refused).toMatchObject({ status, body: { message: expect.stringContaining(message) } });
  expect(await store.count()).toBe(1);
});

test('a device that only a certificate let in can be blocked', async () => {
  expect((await request('PATCH', '/t-9', { isBlocked: true })).body).toMatchObject({ id: 't-9', hasPassword: false });
});

test('a CSV is imported with progress, and the passwords that were made are shown once', async () => {
  const { lines, status } = await imported('id,password\nt-1,secret\nt-2,\n');
  expect(status).toBe(200);
  expect(lines).toEqual([
    { kind: 'progress', stored: 2, of: 2, made: [{ id: 't-2', password: expect.any(String) }] },
    { kind: 'end', imported: 2, broken: [] },
  ]);
});

test('a JSON list is imported, too', async () => {
  const payload = [{ id: 't-1', subscribe: ['trucks/#'] }];
  const { body, statusCode } = await app.inject({
    method: 'POST',
    url: '/api/devices/import?passwords=false',
    payload,
  });
  expect(statusCode).toBe(200);
  expect(body).toContain('"imported":1');
  expect(await store.status('t-1')).toMatchObject({ hasPassword: false, subscribe: ['trucks/#'] });
});

test('a broken line is named by its number, and nothing is imported, or the others', async () => {
  const csv = 'id\nt-1\nt/2\nt-3\n';
  const { lines, status } = await imported(csv);
  expect(status).toBe(400);
  expect(lines[0]).toMatchObject({ message: '1 of 3 are broken', broken: [expect.stringMatching(/^line 3: id: /)] });
  expect(await store.count()).toBe(0);
  const { lines: skipped } = await imported(csv, '?skipBroken=true&passwords=false');
  expect(skipped.at(-1)).toEqual({ kind: 'end', imported: 2, broken: [expect.stringMatching(/^line 3: id: /)] });
  expect(await store.count()).toBe(2);
});

test('existing devices refuse an import, unless they are to be replaced', async () => {
  await request('POST', '', { id: 't-2', password: null });
  expect(await imported('id\nt-1\nt-2\n')).toMatchObject({ status: 409 });
  expect(await store.count()).toBe(1);
  expect(await imported('id\nt-1\nt-2\n', '?replace=true')).toMatchObject({ status: 200 });
  expect(await store.status('t-2')).toMatchObject({ hasPassword: true });
});

test('one import runs at a time', async () => {
  const held = Promise.withResolvers<void>();
  const isStoring = Promise.withResolvers<void>();
  const add = store.add.bind(store);
  store.add = async (...input) => {
    isStoring.resolve();
    await held.promise;
    return add(...input);
  };
  const first = imported('id\nt-1\n');
  await isStoring.promise;
  const second = await imported('id\nt-2\n');
  expect(second).toMatchObject({ status: 503, lines: [{ message: expect.stringContaining('another import') }] });
  held.resolve();
  expect((await first).lines.at(-1)).toMatchObject({ kind: 'end', imported: 1 });
  expect((await imported('id\nt-3\n')).status).toBe(200);
});

test('a database that is away is a 503', async () => {
  storeOf = () => {
    throw new TransactionLost('no response from the database: connection refused');
  };
  expect(await request('GET', '')).toMatchObject({
    status: 503,
    body: { message: 'no response from the database: connection refused' },
  });
});
