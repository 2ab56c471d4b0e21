import { silentLogger } from '@milepost/core';
import { nodeClock } from '@milepost/node-host';
import { DEAD_LETTERS_TOPIC } from '@milepost/ingress';
import { BUILT_IN_ROUTES, MemoryRouteStore, RouteCatalog } from '@milepost/routes';
import { MemoryDeviceStore } from '@milepost/security';
import { readSettings } from '@milepost/settings';
import type { ConsumedRecord, OffsetRange, RecordToSend } from '@milepost/streams';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { HOST, LOGGER, SCHEMAS, SETTINGS } from '../../../chassis/src/index.ts';
import { DEVICE_STORE } from '../devices/devices.controller.ts';
import { ROUTE_CATALOG } from '../routes/routes.controller.ts';
import type { DeadLetterSource } from './dead-letter-log.ts';
import { DEAD_LETTERS, DeadLettersController, SEND_RECORDS } from './dead-letters.controller.ts';

const startMs = Date.parse('2026-11-23T10:00:00Z');
const PARTITIONS = 3;

class MemorySource implements DeadLetterSource {
  readonly records: ConsumedRecord[][] = Array.from({ length: PARTITIONS }, () => []);
  /** The records that were read. */
  readCount = 0;

  add(
    partition: number,
    second: number,
    value: Buffer | string,
    headers: Readonly<Record<string, string>> = {},
  ): string {
    const records = this.records[partition] ?? [];
    const offset = records.length;
    const all = {
      source: 'mqtt',
      reason: 'bad-lat',
      detail: 'expected a latitude',
      'mqtt.topic': 'trucks/t-1/gps',
      'mqtt.client': 'c-1',
      ...headers,
    };
    records.push({
      topic: DEAD_LETTERS_TOPIC,
      partition,
      offset,
      timestamp: startMs + second * 1_000,
      key: Buffer.from('t-1'),
      value: Buffer.from(value),
      headers: new Map(Object.entries(all).map(([name, text]) => [name, Buffer.from(text)])),
    });
    return `${partition}-${offset}`;
  }

  async ranges(): Promise<OffsetRange[]> {
    return this.records.map(({ length }, partition) => ({ partition, begin: 0, end: length }));
  }

  async *read({ begin, end, partition }: OffsetRange): AsyncGenerator<readonly ConsumedRecord[]> {
    const records = this.records[partition]?.slice(begin, end) ?? [];
    this.readCount += records.length;
    if (records.length > 0) yield records;
  }

  async close(): Promise<void> {}
}

let source: MemorySource;
let catalog: RouteCatalog;
let devices: MemoryDeviceStore;
let sent: RecordToSend[];
let app: NestFastifyApplication;

beforeAll(async () => {
  const module = await Test.createTestingModule({
    controllers: [DeadLettersController],
    providers: [
      { provide: DEAD_LETTERS, useValue: () => source },
      { provide: SEND_RECORDS, useValue: async (records: readonly RecordToSend[]) => void sent.push(...records) },
      { provide: ROUTE_CATALOG, useValue: () => catalog },
      { provide: DEVICE_STORE, useValue: () => devices },
      { provide: SCHEMAS, useValue: {} },
      { provide: SETTINGS, useValue: readSettings('dashboard', {}) },
      { provide: HOST, useValue: { clock: nodeClock } },
      { provide: LOGGER, useValue: silentLogger },
    ],
  }).compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  await app.init();
});
beforeEach(() => {
  source = new MemorySource();
  catalog = new RouteCatalog({ kind: 'built-in', routes: BUILT_IN_ROUTES }, new MemoryRouteStore());
  devices = new MemoryDeviceStore();
  sent = [];
});
afterAll(() => app.close());

async function request(method: 'GET' | 'POST', path: string): Promise<{ status: number; body: any }> {
  const response = await app.inject({ method, url: `/api/dead-letters${path}` });
  return { status: response.statusCode, body: response.json() };
}
const idsOf = ({ letters }: { letters: readonly { id: string }[] }): string[] => letters.map(({ id }) => id);

test('letters of all partitions come by their time, the newest first, page by page', async () => {
  for (let second = 0; second < 200; second++) source.add(second % PARTITIONS, second, `payload ${second}`);
  const seen: string[] = [];
  let after = '';
  do {
    const { body } = await request('GET', `?limit=30${after}`);
    seen.push(
      ...body.letters.map(({ beginBase64 }: { beginBase64: string }) => Buffer.from(beginBase64, 'base64').toString()),
    );
    after = body.next === null ? '' : `&after=${body.next}`;
  } while (after !== '');
  expect(seen).toEqual(Array.from({ length: 200 }, (_, n) => `payload ${199 - n}`));
});

test('a letter has its reason, device and time', async () => {
  const id = source.add(1, 5, '{"lat":91}', { principal: 'User:t-1' });
  expect((await request('GET', '')).body).toEqual({
    letters: [
      {
        id,
        receivedAt: '2026-11-23T10:00:05.000Z',
        reason: 'bad-lat',
        detail: 'expected a latitude',
        topic: 'trucks/t-1/gps',
        client: 'c-1',
        principal: 'User:t-1',
        key: 't-1',
        sizeBytes: 10,
        parts: 1,
        beginBase64: Buffer.from('{"lat":91}').toString('base64'),
      },
    ],
    next: null,
  });
});

test('letters are found by reason, by a part of device or topic, and by time', async () => {
  const routeless = source.add(0, 1, 'a', { reason: 'no-route', 'mqtt.topic': 'yard/Gate-7' });
  const other = source.add(1, 2, 'b', { 'mqtt.client': 'c-2' });
  const late = source.add(2, 60, 'c');
  expect(idsOf((await request('GET', '?reason=no-route')).body)).toEqual([routeless]);
  expect(idsOf((await request('GET', '?search=gate')).body)).toEqual([routeless]);
  expect(idsOf((await request('GET', '?search=C-2')).body)).toEqual([other]);
  expect(idsOf((await request('GET', '?from=2026-11-23T10:00:02Z')).body)).toEqual([late, other]);
  expect(idsOf((await request('GET', '?to=2026-11-23T10:00:02Z')).body)).toEqual([other, routeless]);
  for (const query of ['?reason=weather', '?from=yesterday', '?after=x', '?limit=1001'])
    expect((await request('GET', query)).status).toBe(400);
});

test('a page of a rare reason reads a bounded number of letters, and the next one goes on', async () => {
  const rare = source.add(0, 0, 'rare', { reason: 'no-route' });
  for (let second = 1; second <= 6_000; second++) source.add(0, second, 'x');
  const { body: first } = await request('GET', '?reason=no-route');
  expect(first.letters).toEqual([]);
  expect(source.readCount).toBeLessThan(5_200);
  const { body: second } = await request('GET', `?reason=no-route&after=${first.next}`);
  expect(second).toMatchObject({ letters: [{ id: rare }], next: null });
});

test('a letter in parts is one letter, and is read whole', async () => {
  const id = source.add(0, 1, 'one ', { part: '1/3' });
  source.add(0, 1, 'other', { 'mqtt.client': 'c-2', part: '1/2' });
  source.add(0, 1, 'two ', { part: '2/3' });
  source.add(0, 1, 'three', { part: '3/3' });
  const { body } = await request('GET', '');
  expect(idsOf(body)).toEqual(['0-1', '0-0']);
  const whole = await request('GET', `/${id}`);
  expect(Buffer.from(whole.body.payloadBase64, 'base64').toString()).toBe('one two three');
  expect((await request('GET', '/0-1')).status).toBe(404); // its second part never came
  expect((await request('GET', '/0-2')).status).toBe(404); // not a first part
});

test.each(['/7-0', '/0-99', '/x', '/0-0-0'])('%s is no letter', async (path) => {
  expect((await request('GET', path)).status).toBe(404);
});

test('a letter that is understood by the routes of now is stored, with the time of its first receipt', async () => {
  await catalog.put([{ name: 'yard', filter: 'yard/+', key: '{1}' }], 'add');
  const id = source.add(0, 5, '{"lat":57.7,"lon":11.97}', { reason: 'no-route', 'mqtt.topic': 'yard/t-7' });
  const before = Date.now();
  expect(await request('POST', `/${id}/send-again`)).toEqual({
    status: 200,
    body: { records: [{ topic: 'truck_gps', key: 't-7' }] },
  });
  expect(sent).toHaveLength(1);
  const [record] = sent;
  expect(JSON.parse(record?.value?.toString() ?? '')).toMatchObject({ truckId: 't-7', ts: '2026-11-23T10:00:05Z' });
  expect(record?.timestamp).toBeGreaterThanOrEqual(before);
  expect(record?.headers?.get('dead-letter')?.toString()).toBe(id);
});

test('a letter that would be one again is not stored, and the reason is told', async () => {
  const id = source.add(0, 5, '{"lat":91,"lon":11.97}');
  const { body, status } = await request('POST', `/${id}/send-again`);
  expect(status).toBe(409);
  expect(body.message).toMatch(/^it would be a dead letter again \(.+\): .*91.*; nothing is stored$/);
  expect(sent).toEqual([]);
});

test('a letter of a device is sent again only as far as that device may publish', async () => {
  const foreign = { principal: 'User:t-1', 'mqtt.topic': 'trucks/t-2/gps' };
  const id = source.add(0, 5, '{"lat":57.7,"lon":11.97}', foreign);
  expect(await request('POST', `/${id}/send-again`)).toMatchObject({
    status: 409,
    body: { message: 'User:t-1 may not publish this to trucks/t-2/gps; nothing is stored' },
  });
  await devices.add([{ id: 't-1', credential: undefined, publish: ['trucks/#'], subscribe: [] }], false);
  expect((await request('POST', `/${id}/send-again`)).status).toBe(200);
  expect(sent[0]?.headers?.get('principal')?.toString()).toBe('User:t-1');
});
