import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { Alert } from '@milepost/alerts';
import type { Position } from '@milepost/fleet';
import type { LiveMessage } from '@milepost/live';
import { TRUCK_GPS } from '@milepost/streams';
import { readSettings } from '@milepost/settings';
import { PrometheusMeter } from '@milepost/telemetry';
import { silentLogger } from '@milepost/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { WebSocket } from 'ws';
import { ChassisModule, ForeignKafkaPart, KafkaFromSettingsModule, Lifecycle } from '../../chassis/src/index.ts';
import { DashboardModule } from './dashboard.module.ts';
import { TRUCK_LOG } from './live-map.part.ts';
import { MemoryLog } from './memory-log.ts';
import { OPERATIONS } from './operations.controller.ts';

const log = new MemoryLog();
const lifecycle = new Lifecycle();
let now = 0;
let app: NestFastifyApplication;

const position = (truckId: string, tsMs: number, more: Partial<Position> = {}): Position => ({
  truckId,
  ts: new Date(tsMs).toISOString(),
  lat: 57.7,
  lon: 11.97,
  speedKmh: 50,
  headingDeg: 90,
  source: 'milepost',
  ...more,
});
const alert = (n: number): Alert => ({
  alertId: `speeding-0-${n}`,
  rule: 'speeding',
  kind: 'speeding',
  truckId: 'truck-1',
  ts: new Date(now + n).toISOString(),
  message: 'truck-1 drives 112 km/h where 90 are allowed',
  position: position('truck-1', now),
});

beforeAll(async () => {
  const frame = ChassisModule.with({
    settings: readSettings('dashboard', { MILEPOST_ALLOWED_ORIGINS: 'https://depot.example:8443' }),
    logger: silentLogger,
    meter: new PrometheusMeter(),
    lifecycle,
  });
  const module = await Test.createTestingModule({ imports: [frame, KafkaFromSettingsModule, DashboardModule] })
    .overrideProvider(ForeignKafkaPart) // there is no Kafka to wait for
    .useValue({})
    .overrideProvider(TRUCK_LOG)
    .useValue(log)
    .overrideProvider(OPERATIONS)
    .useValue({
      topics: async () => [{ name: 'truck_gps', partitions: 10, records: 33, failed: [] }],
      groups: () => Promise.reject(new Error('connection refused')),
      close: async () => {},
    })
    .compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  now = Date.now(); // a minute is the limit: a truck that is silent for longer is shown as silent
  await log.position(position('quiet', now - 5 * 3_600_000), now - 5 * 3_600_000);
  for (let minute = 30; minute >= 0; minute--) {
    const tsMs = now - minute * 60_000;
    await log.position(position('truck-1', tsMs, { lat: 57.7 - minute / 1_000 }), tsMs);
  }
  await log.position(position('truck-1', now - 90_000, { lat: 1 }), now); // stored offline, late
  await log.position(position('far', now, { lat: 60.17, lon: 24.94 }), now);
  await log.bytes(TRUCK_GPS, 'truck-1', Buffer.from('not a position'), now);
  await log.alert(alert(1), now);
  await lifecycle.start();
});

afterAll(async () => {
  await lifecycle.stop();
  await app.close();
});

const get = async (url: string) => {
  const { statusCode, body, headers, rawPayload } = await app.inject({ url });
  return { status: statusCode, body, headers, rawPayload, json: () => JSON.parse(body) };
};

test('the last positions are there at the start, also of a truck that has been silent for hours', async () => {
  const { features } = (await get('/api/trucks')).json();
  const state = Object.fromEntries(features.map((feature: any) => [feature.id, feature.properties.state]));
  expect(state).toEqual({ 'truck-1': 'moving', far: 'moving', quiet: 'silent' });
});

test('a box excludes the trucks elsewhere', async () => {
  const { features } = (await get('/api/trucks?bbox=24,60,25,61')).json();
  expect(features.map(({ id }: { id: string }) => id)).toEqual(['far']);
});

test('one truck comes with its recent trail', async () => {
  const truck = (await get('/api/trucks/truck-1')).json();
  expect(truck.geometry).toEqual({ type: 'Point', coordinates: [11.97, 57.7] });
  expect(truck.trail.length).toBeGreaterThanOrEqual(10);
});

test('a track is read from the log, in order of time, including positions that were stored offline', async () => {
  const from = new Date(now - 3.5 * 60_000).toISOString();
  const track = (await get(`/api/trucks/truck-1/track?from=${from}&to=${new Date(now).toISOString()}`)).json();
  expect(track.geometry.coordinates.map(([, lat]: number[]) => Math.round(lat! * 1_000))).toEqual([
    57_697, 57_698, 1_000, 57_699, 57_700,
  ]);
  expect(track.properties.coordinateProperties.times).toHaveLength(5);
});

test('the track of an unknown truck is empty, not an error', async () => {
  const { status, json } = await get('/api/trucks/nobody/track');
  expect(status).toBe(200);
  expect(json()).toMatchObject({ geometry: null, properties: { positions: 0 } });
});

test.each([
  ['/api/trucks?bbox=1,2,3', 'bbox: expected west,south,east,north in degrees'],
  ['/api/trucks?bbox=1,2,3,4&bbox=1,2,3,4', 'bbox: expected it once; saw it 2 times'],
  ['/api/trucks/truck-1/track?to=1&to=2', 'to: expected it once; saw it 2 times'],
  ['/api/trucks/a%20b', 'truck id: expected 1 to 128 of A-Z a-z 0-9 . _ -; saw "a b"'],
  ['/api/trucks/truck-1/track?from=yesterday', 'from: expected a time such as 2026-05-01T12:00:00Z'],
  ['/api/trucks/truck-1/track?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'is later than to'],
])('%s is a 400 that names what was expected', async (url, message) => {
  const { status, json } = await get(url);
  expect(status).toBe(400);
  expect(json().message).toContain(message);
});

test('an unknown truck is a 404', async () => {
  expect((await get('/api/trucks/nobody')).status).toBe(404);
});

test('alerts and topics are shown; a Kafka that is away is a 503 with a message', async () => {
  expect((await get('/api/alerts')).json()).toEqual([alert(1)]);
  expect((await get('/api/topics')).json()).toEqual([{ name: 'truck_gps', partitions: 10, records: 33, failed: [] }]);
  const groups = await get('/api/groups');
  expect(groups.status).toBe(503);
  expect(groups.json().message).toBe('the Kafka does not answer: connection refused');
});

test('a map that lacks the trucks of one partition is ready, and names the partition', async () => {
  expect((await get('/health/ready')).json()).toEqual({ status: 'ready' });
  log.failedPartitions = ['truck_gps-3'];
  const { status, json } = await get('/health/ready');
  expect(status).toBe(200);
  expect(json()).toEqual({
    status: 'ready',
    degraded: ['dashboard: cannot read truck_gps-3, and tries again: their trucks stand still on the map'],
  });
  log.failedPartitions = [];
});

test.each([
  ['a name that was rebound to this address', { host: 'evil.example:8080' }],
  ['a page of another site', { host: '127.0.0.1:8080', origin: 'https://evil.example' }],
])('%s reads neither the API nor the page nor the metrics', async (_, headers) => {
  for (const url of ['/api/trucks', '/', '/metrics', '/roads.json', '/docs']) {
    const { body, statusCode } = await app.inject({ url, headers });
    expect(statusCode).toBe(403);
    expect(JSON.parse(body).message).toContain('MILEPOST_ALLOWED_ORIGINS=');
  }
});

test.each(['localhost:8080', '[::1]:8080', '10.0.0.7', 'depot-box', 'fleet.example:443', 'depot.example'])(
  'the API is read by the host %s',
  async (host) => {
    expect((await app.inject({ url: '/api/trucks', headers: { host } })).statusCode).toBe(200);
  },
);

test('every response tells a browser to load nothing from elsewhere and to be in no frame', async () => {
  for (const url of ['/', '/sign-in/', '/api/trucks', '/no/such/page', '/metrics']) {
    const { headers } = await get(url);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
  }
});

test('the pages, their assets and the base map are served from here', async () => {
  for (const url of ['/', '/sign-in/']) {
    const page = await get(url);
    expect(page).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    const assets = [...page.body.matchAll(/<(?:link|script|img)[^>]*?(?:src|href)="([^"]+)"/g)].map(
      ([, path]) => new URL(path!, `http://x${url}`),
    );
    expect(assets.map(({ pathname }) => pathname.replace(/^\/assets\/.*\./, '.'))).toEqual(
      expect.arrayContaining(['.js', '.css', '.svg']),
    );
    for (const { pathname } of assets) expect((await get(pathname)).status).toBe(200);
  }
  const roads = await app.inject({ url: '/roads.json', headers: { 'accept-encoding': 'gzip' } });
  expect(JSON.parse(gunzipSync(roads.rawPayload).toString()).attribution).toBe('© OpenStreetMap contributors');
  expect((await get('/../package.json')).status).toBe(404);
});

test('a browser retains assets, whose names change with their contents, and revalidates the pages', async () => {
  const page = await get('/');
  expect(page.headers['cache-control']).toBe('no-cache');
  const again = await app.inject({ url: '/', headers: { 'if-none-match': String(page.headers['etag']) } });
  expect([again.statusCode, again.body]).toEqual([304, '']);
  const [script] = /assets\/[\w-]+\.js/.exec(page.body)!;
  const plain = await get(`/${script}`);
  expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  const packed = await app.inject({ url: `/${script}`, headers: { 'accept-encoding': 'br, gzip' } });
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(packed.rawPayload).equals(plain.rawPayload)).toBe(true);
});

test('the pages have no script or style in their markup, which their policy would refuse', async () => {
  for (const url of ['/', '/sign-in/']) {
    const { body } = await get(url);
    expect(body).toMatch(/<script type="module" crossorigin src="[^"]+"><\/script>/);
    expect(body).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/);
  }
});

describe('/api/live', () => {
  const address = () => `127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
  const messagesOf = (socket: WebSocket) => {
    const messages: LiveMessage[] = [];
    socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())));
    return {
      messages,
      until: async (fits: (message: LiveMessage) => boolean): Promise<LiveMessage> => {
        for (;;) {
          const found = messages.find(fits);
          if (found) return found;
          await once(socket, 'message');
        }
      },
    };
  };

  test('a viewer gets everything once, then only changes', async () => {
    const socket = new WebSocket(`ws://${address()}/api/live`);
    const { until } = messagesOf(socket);
    const all = await until(({ type }) => type === 'all');
    expect(all.trucks.map(({ id }) => id).toSorted()).toEqual(['far', 'quiet', 'truck-1']);
    expect(all.alerts).toEqual([alert(1)]);
    await log.position(position('truck-2', Date.now()), Date.now());
    await log.alert(alert(2), Date.now());
    const changes = await until(({ type }) => type === 'changes');
    expect(changes.trucks).toMatchObject([{ id: 'truck-2', lat: 57.7, lon: 11.97, kmh: 50, deg: 90 }]);
    expect(changes.alerts.map(({ alertId }) => alertId)).toEqual(['speeding-0-2']);
    socket.close();
    await once(socket, 'close');
  });

  test('a hundred positions between two updates are one state', async () => {
    const socket = new WebSocket(`ws://${address()}/api/live`);
    const { messages, until } = messagesOf(socket);
    await until(({ type }) => type === 'all');
    for (let i = 1; i <= 100; i++)
      await log.position(position('truck-3', Date.now() + i, { lat: 50 + i / 100 }), Date.now() + i);
    await until(({ trucks }) => trucks.some(({ id, lat }) => id === 'truck-3' && lat === 51));
    expect(messages.length).toBeLessThan(5);
    socket.close();
    await once(socket, 'close');
  });

  test.each([
    ['https://elsewhere.example', 'fleet.example:443'],
    ['https://fleet.example:8443', 'fleet.example:443'],
    ['null', 'fleet.example:443'],
    ['https://evil.example', '127.0.0.1:8080'],
    ['http://evil.example', 'evil.example'], // rebound to this address
    ['http://evil.example:8080', 'evil.example:8080'],
  ])('a page of %s may not connect at %s', async (origin, host) => {
    const socket = new WebSocket(`ws://${address()}/api/live`, { origin, headers: { host } });
    const [error] = await once(socket, 'error');
    expect(String(error)).toContain('403');
  });

  test.each([
    ['https://fleet.example', 'fleet.example:443'],
    ['http://fleet.example', 'fleet.example:80'],
    ['https://depot.example:8443', 'depot.example'], // by MILEPOST_ALLOWED_ORIGINS
  ])('a page of %s may connect behind a proxy that passes the host %s', async (origin, host) => {
    const socket = new WebSocket(`ws://${address()}/api/live`, { origin, headers: { host } });
    await once(socket, 'open');
    socket.close();
    await once(socket, 'close');
  });
});
