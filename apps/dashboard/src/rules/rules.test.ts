import { FIRST_RULE, MemoryRuleStore } from '@milepost/alerts';
import { silentLogger } from '@milepost/core';
import type { Position } from '@milepost/fleet';
import { TransactionLost } from '@milepost/postgres';
import { readSettings } from '@milepost/settings';
import { PrometheusMeter } from '@milepost/telemetry';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import { ChassisModule, ForeignKafkaPart, KafkaFromSettingsModule, Lifecycle } from '../../../chassis/src/index.ts';
import { DashboardModule } from '../dashboard.module.ts';
import { TRUCK_LOG } from '../live-map.part.ts';
import { MemoryLog } from '../memory-log.ts';
import { RULE_STORE } from './rules.controller.ts';

let store: MemoryRuleStore;
let log: MemoryLog;
let app: NestFastifyApplication;
let storeOf: () => MemoryRuleStore;
const lifecycle = new Lifecycle();

beforeAll(async () => {
  const settings = readSettings('dashboard', {});
  const frame = ChassisModule.with({ settings, logger: silentLogger, meter: new PrometheusMeter(), lifecycle });
  const module = await Test.createTestingModule({ imports: [frame, KafkaFromSettingsModule, DashboardModule] })
    .overrideProvider(ForeignKafkaPart) // there is no Kafka to wait for
    .useValue({})
    .overrideProvider(TRUCK_LOG)
    .useValue({ read: (stretch: Parameters<MemoryLog['read']>[0]) => log.read(stretch) })
    .overrideProvider(RULE_STORE)
    .useValue(() => storeOf())
    .compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
});
afterAll(() => app.close());
beforeEach(() => {
  store = new MemoryRuleStore();
  log = new MemoryLog();
  storeOf = () => store;
});

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
async function request(method: Method, path: string, payload?: object): Promise<{ status: number; body: any }> {
  const { body, statusCode } = await app.inject({ method, url: `/api/rules${path}`, ...(payload && { payload }) });
  return { status: statusCode, body: body === '' ? undefined : JSON.parse(body) };
}
const speeding = { id: 'fast', name: 'Too fast', kind: 'speeding', limitKmh: 90 };

test('a rule is added, read, changed and removed', async () => {
  const { body, status } = await request('POST', '', speeding);
  expect(status).toBe(201);
  const rule = { ...speeding, enabled: true, trucks: 'all', version: 1 };
  expect(body).toEqual({ rule, unheardTrucks: [] });
  expect(await request('GET', '')).toEqual({ status: 200, body: [rule] });
  expect(await request('GET', '/fast')).toEqual({ status: 200, body: rule });
  expect((await request('PATCH', '/fast', { enabled: false })).body.rule).toEqual({
    ...rule,
    enabled: false,
    version: 2,
  });
  expect((await request('PUT', '/fast', { ...speeding, limitKmh: 50 })).body.rule).toEqual({
    ...rule,
    limitKmh: 50,
    version: 3,
  });
  expect((await request('DELETE', '/fast')).status).toBe(204);
  expect(await request('GET', '')).toEqual({ status: 200, body: [] });
});

test('a rule without an id gets one from its name, and another one of that name another id', async () => {
  const { id: _, ...nameless } = { ...speeding, name: 'Zone 30: Göteborg' };
  expect((await request('POST', '', nameless)).body.rule.id).toBe('zone-30-g-teborg');
  expect((await request('POST', '', nameless)).body.rule.id).toBe('zone-30-g-teborg-2');
});

test('a wrong rule is refused in one line that names the field, and nothing changes', async () => {
  await store.add([FIRST_RULE], 'refuse');
  const { body, status } = await request('POST', '', { ...speeding, limitKmh: -5 });
  expect(status).toBe(400);
  expect(body).toEqual({
    statusCode: 400,
    error: 'Bad Request',
    field: 'limitKmh',
    message: 'limitKmh: expected a number from 1 to 2000 (km/h); saw -5',
  });
  expect((await request('PATCH', '/silence', { afterSeconds: 'x' })).body.field).toBe('afterSeconds');
  expect((await request('PATCH', '/silence', { kind: null })).body.field).toBe('kind');
  expect((await request('PUT', '/silence', { ...FIRST_RULE, id: 'other' })).body.field).toBe('id');
  expect((await request('POST', '/import', { rules: [speeding, { id: 'x' }] })).body.field).toBe('rules[1].kind');
  expect((await store.list()).rules).toEqual([{ ...FIRST_RULE, version: 1 }]);
});

test('an unknown rule is a 404, an id that is taken a 409, and so is a rule that was changed meanwhile', async () => {
  await request('POST', '', speeding);
  for (const method of ['GET', 'DELETE', 'PATCH'] as const)
    expect((await request(method, '/none', method === 'PATCH' ? {} : undefined)).status).toBe(404);
  expect((await request('PUT', '/none', { ...speeding, id: 'none' })).status).toBe(404);
  expect((await request('POST', '', speeding)).status).toBe(409);
  await request('PATCH', '/fast', { enabled: false });
  const { body, status } = await request('PUT', '/fast', { ...speeding, version: 1 });
  expect(status).toBe(409);
  expect(body.message).toBe('rule fast has been changed meanwhile: its version is 2 now');
});

test('a field is removed by null', async () => {
  await request('POST', '', { ...speeding, coolDownSeconds: 60 });
  expect((await request('PATCH', '/fast', { coolDownSeconds: null })).body.rule).not.toHaveProperty('coolDownSeconds');
});

test('a rule for a truck that never was is accepted, and the response names the truck', async () => {
  store.heard.add('t-1');
  const { body, status } = await request('POST', '', { ...speeding, trucks: { ids: ['t-1', 't-99'] } });
  expect(status).toBe(201);
  expect(body.unheardTrucks).toEqual(['t-99']);
});

test('an export is imported again: all or nothing', async () => {
  await store.add([FIRST_RULE], 'refuse');
  await request('POST', '', speeding);
  const { body: exported } = await request('GET', '');
  expect((await request('POST', '/import', { rules: exported })).status).toBe(409);
  await request('DELETE', '/fast');
  const { body, status } = await request('POST', '/import', { rules: exported, replace: true });
  expect(status).toBe(201);
  expect(body.map(({ id }: { id: string }) => id)).toEqual(['fast', 'silence']);
});

test('a database that is away is a 503', async () => {
  storeOf = () => {
    throw new TransactionLost('no response from the database: connection refused');
  };
  const { body, status } = await request('GET', '');
  expect(status).toBe(503);
  expect(body.message).toBe('the rules cannot be reached: no response from the database: connection refused');
});

test('every kind is described in OpenAPI', () => {
  const text = JSON.stringify(SwaggerModule.createDocument(app, new DocumentBuilder().build()).paths['/api/rules']);
  for (const kind of ['speeding', 'geofence', 'corridor', 'silence', 'stopped', 'harsh-braking', 'low-battery'])
    expect(text).toContain(`"enum":["${kind}"]`);
});

const startMs = Date.parse('2026-11-23T10:00:00Z');
const positionAt = (second: number, speedKmh: number): Position => ({
  truckId: 't-1',
  ts: new Date(startMs + second * 1000).toISOString(),
  lat: 57.7,
  lon: 11.97,
  speedKmh,
  source: 'milepost',
});

async function backTested(payload: object): Promise<any[]> {
  const { body, statusCode } = await app.inject({ method: 'POST', url: '/api/rules/backtest', payload });
  expect(statusCode).toBe(200);
  return body
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text)); // prettier-ignore
}
const range = { from: new Date(startMs).toISOString(), to: new Date(startMs + 3_600_000).toISOString() };

test('a back-test streams what a rule would have raised, and changes nothing', async () => {
  for (const [second, speed] of [50, 95, 96, 50, 120].entries())
    await log.position(positionAt(second, speed), startMs + second * 1000);
  const lines = await backTested({ rule: { kind: 'speeding', limitKmh: 90 }, ...range });
  expect(lines.filter(({ kind }) => kind === 'alert').map(({ alert }) => alert.alertId)).toEqual([
    'back-test-0-1',
    'back-test-0-4',
  ]);
  expect(lines.at(-1)).toEqual({ kind: 'end', positions: 5, alerts: 2, isCut: false });
  expect(await store.list()).toMatchObject({ version: 0, rules: [] });
});

test('a back-test of a stored rule takes it by its id, also while it is disabled', async () => {
  await request('POST', '', { ...speeding, enabled: false });
  await log.position(positionAt(0, 100), startMs);
  const lines = await backTested({ ruleId: 'fast', ...range });
  expect(lines).toMatchObject([{ alert: { rule: 'fast', ruleName: 'Too fast', ruleVersion: 1 } }, { kind: 'end' }]);
});

test('a back-test ends at a thousand alerts', async () => {
  for (let n = 0; n < 2_100; n++) await log.position(positionAt(n, n % 2 === 0 ? 10 : 100), startMs + n * 1000);
  const lines = await backTested({ rule: { kind: 'speeding', limitKmh: 90 }, ...range });
  expect(lines.filter(({ kind }) => kind === 'alert')).toHaveLength(1_000);
  expect(lines.at(-1)).toMatchObject({ kind: 'end', alerts: 1_000, isCut: true });
});

test('a back-test that cannot begin says why', async () => {
  const wrong = async (body: object) => (await request('POST', '/backtest', body)).body.message;
  expect(await wrong({})).toMatch(/^rule: expected a rule, or the ruleId of a stored one/);
  expect(await wrong({ rule: { kind: 'x' } })).toMatch(/^kind: expected one of speeding,/);
  expect(await wrong({ ruleId: 'none' })).toMatch(/^there is no rule none/);
  expect(await wrong({ rule: speeding, from: 'yesterday' })).toMatch(/^from: expected a time/);
  expect(await wrong({ rule: speeding, from: range.to, to: range.from })).toMatch(/^from: expected a time before to/);
});

test('a back-test whose log cannot be read ends with a failure', async () => {
  log.read = async function* () {
    yield await Promise.reject<never>(new Error('broker away'));
  };
  expect(await backTested({ rule: speeding, ...range })).toEqual([{ kind: 'failed', message: 'broker away' }]);
});
