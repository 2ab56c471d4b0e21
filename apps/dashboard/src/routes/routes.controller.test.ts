import { nodeClock } from '@milepost/node-host';
import { BUILT_IN_ROUTES, MemoryRouteStore, RouteCatalog } from '@milepost/routes';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import { HOST } from '../../../chassis/src/index.ts';
import { OPEN_TOPIC, ROUTE_CATALOG, RoutesController } from './routes.controller.ts';

let app: NestFastifyApplication;
let catalog: RouteCatalog;
const opened: string[] = [];

beforeAll(async () => {
  const module = await Test.createTestingModule({
    controllers: [RoutesController],
    providers: [
      { provide: ROUTE_CATALOG, useValue: () => catalog },
      { provide: HOST, useValue: { clock: nodeClock } },
      {
        provide: OPEN_TOPIC,
        useValue: async (topic: string) => {
          if (topic === 'forbidden') throw new Error('not authorized');
          opened.push(topic);
        },
      },
    ],
  }).compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  await app.init();
});
beforeEach(() => {
  catalog = new RouteCatalog({ kind: 'built-in', routes: BUILT_IN_ROUTES }, new MemoryRouteStore());
  opened.length = 0;
});
afterAll(() => app.close());

async function call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, payload?: object) {
  const response = await app.inject({ method, url: `/api/routes${path}`, ...(payload ? { payload } : {}) });
  return { status: response.statusCode, body: response.body === '' ? undefined : response.json() };
}
const yard = { name: 'yard', filter: 'yard/+', topic: 'yard' };

test('a route is added, read, replaced and removed', async () => {
  expect(await call('POST', '', yard)).toMatchObject({
    status: 201,
    body: { ...yard, key: '{1}', origin: 'operator' },
  });
  expect(opened).toEqual(['yard']);
  expect(await call('GET', '/yard')).toMatchObject({ status: 200, body: yard });
  expect(await call('PUT', '/yard', { filter: 'yards/+', order: 7 })).toMatchObject({
    status: 200,
    body: { filter: 'yards/+', order: 7, topic: 'truck_gps' },
  });
  const { body } = await call('GET', '');
  expect(body.version).toBe(2);
  expect(body.routes.map(({ name }: { name: string }) => name)).toEqual([
    'yard',
    ...BUILT_IN_ROUTES.map(({ name }) => name),
  ]);
  expect((await call('DELETE', '/yard')).status).toBe(204);
  expect((await call('GET', '/yard')).status).toBe(404);
});

test.each<[string, object, number, string]>([
  ['a bad setting', { ...yard, filter: '#/yard' }, 400, 'route yard: filter: expected an MQTT topic filter'],
  ['an unknown setting', { ...yard, colour: 'red' }, 400, 'route yard: colour: no such setting'],
  [
    'a hidden one',
    { ...yard, filter: 'nmea/+', order: 9999 },
    400,
    'route yard: order: expected a place before route nmea',
  ],
  [
    'a topic that cannot be created',
    { ...yard, topic: 'forbidden' },
    400,
    'route yard: topic: expected a topic that exists',
  ],
  ['no object', [], 400, 'route: '],
])('%s is refused with its reason, and nothing has changed', async (_, route, status, message) => {
  const before = (await call('GET', '')).body;
  const refused = await call('POST', '', route);
  expect(refused.status).toBe(status);
  expect(refused.body.message).toContain(message);
  expect((await call('GET', '')).body).toEqual(before);
});

test('a name that is taken is a conflict, and so is the removal of a built-in route', async () => {
  await call('POST', '', yard);
  expect(await call('POST', '', yard)).toMatchObject({
    status: 409,
    body: { message: expect.stringContaining('exists') },
  });
  expect(await call('DELETE', '/nmea')).toMatchObject({
    status: 409,
    body: { message: expect.stringContaining('disable') },
  });
  expect((await call('DELETE', '/nobody')).status).toBe(404);
});

test('a dry run answers the record, by the stored routes or by one that is not stored yet', async () => {
  const publish = { topic: 'yard/t-7', payload: '{"lat":1.50,"lon":2,"ts":"2026-11-22T10:00:00Z"}' };
  expect(await call('POST', '/try', publish)).toMatchObject({
    status: 200,
    body: { route: null, records: [{ isDeadLetter: true, headers: { reason: 'no-route' }, value: publish.payload }] },
  });
  expect(await call('POST', '/try', { ...publish, route: yard })).toMatchObject({
    status: 200,
    body: {
      route: 'yard',
      records: [
        {
          topic: 'yard',
          key: 't-7',
          isDeadLetter: false,
          value: '{"truckId":"t-7","ts":"2026-11-22T10:00:00Z","lat":1.50,"lon":2,"source":"milepost"}',
        },
      ],
    },
  });
});

test('a dry run of bytes answers bytes', async () => {
  const bytes = Buffer.from([0xff, 0]).toString('base64');
  const route = { ...yard, decoder: 'raw' };
  const { body } = await call('POST', '/try', { topic: 'yard/1', payloadBase64: bytes, route });
  expect(body.records).toMatchObject([{ valueBase64: bytes }]);
});

test.each([
  [{}, 'topic: expected'],
  [{ topic: 'a/+', payload: 'x' }, 'topic: expected an MQTT topic without wildcards'],
  [{ topic: 'a' }, 'payload: expected either'],
  [{ topic: 'a', payload: 'x', route: { name: 'b' } }, 'route b: filter: expected'],
])('a dry run of %j is refused', async (body, message) => {
  expect(await call('POST', '/try', body)).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining(message) },
  });
});

test('the schema of a route is in the API documentation', () => {
  const document = SwaggerModule.createDocument(app, new DocumentBuilder().build());
  const post = document.paths['/api/routes']?.post;
  expect(JSON.stringify(post?.requestBody)).toContain('"filter"');
});
