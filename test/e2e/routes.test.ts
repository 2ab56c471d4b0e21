// Routes that an operator changes while devices are connected.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { readAll } from './support/log-reader.ts';
import { dataFolder, Program, testSettings } from './support/program.ts';
import { until } from './support/until.ts';

const env = { ...testSettings, MILEPOST_DATA_DIR: dataFolder(), MILEPOST_LOG_LEVEL: 'warn' };
let program: Program;
let device: MqttClient;
let closes = 0;

beforeAll(async () => {
  program = await Program.start('appliance', env);
  device = await connectAsync(`mqtt://127.0.0.1:${program.ports.mqtt}`);
  device.on('close', () => closes++);
});
afterAll(async () => {
  await device?.endAsync(true);
  await program?.stop();
});

async function api(method: string, path: string, body?: object) {
  const response = await fetch(`http://127.0.0.1:${program.ports.http}/api/routes${path}`, {
    method,
    ...(body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}
const publish = (topic: string, payload = '{"lat":57.7,"lon":11.97}') =>
  device.publishAsync(topic, payload, { qos: 1 });
const recordsOf = async (topic: string) => readAll(program.ports.kafka, topic);
const route = { name: 'yard', filter: 'yard/+/position', topic: 'yard', headers: { site: '{0}' } };

test('a message of a connected device takes a route that was added meanwhile', async () => {
  await publish('yard/t-7/position');
  expect(await recordsOf('dead_letters')).toMatchObject([{ headers: { reason: 'no-route' } }]);
  expect(await api('POST', '', route)).toMatchObject({ status: 201 });
  await until('a position by the new route', async () => {
    await publish('yard/t-7/position');
    return (await recordsOf('yard')).length > 0;
  });
  const [record] = await recordsOf('yard');
  expect(record).toMatchObject({ key: 't-7', headers: { site: 'yard', 'mqtt.topic': 'yard/t-7/position' } });
  expect(closes).toBe(0);
});

test('a bad route is refused with its reason, and the others still count', async () => {
  const before = await api('GET', '');
  const refused = await api('POST', '', { name: 'bad', filter: 'bad/+', decoder: 'morse' });
  expect(refused.status).toBe(400);
  expect(refused.body.message).toMatch(/^route bad: decoder: expected one of raw, /);
  expect(await api('GET', '')).toEqual(before);
  const count = (await recordsOf('yard')).length;
  await publish('yard/t-8/position');
  expect(await recordsOf('yard')).toHaveLength(count + 1);
});

test('the dry run says what then happens', async () => {
  const trial = { topic: 'yard/t-9/position', payload: '{"lat":1,"lon":2,"ts":"2026-11-22T10:00:00Z"}' };
  const { body } = await api('POST', '/try', trial);
  await publish(trial.topic, trial.payload);
  const stored = (await recordsOf('yard')).find(({ key }) => key === 't-9');
  expect(body).toMatchObject({ route: 'yard', records: [{ topic: 'yard', key: 't-9', value: stored?.value }] });
});

test('the command line changes the same routes', async () => {
  const cli = (...args: string[]) => Program.run('cli', env, ['routes', ...args]);
  expect((await cli('add', 'cans', '--filter', 'cans/+', '--decoder', 'raw', '--topic', 'cans')).status).toBe(0);
  await until('a payload by the route of the command line', async () => {
    await publish('cans/t-1', 'any bytes');
    return (await api('GET', '/cans')).status === 200 && (await recordsOf('cans').catch(() => [])).length > 0;
  });
  expect((await recordsOf('cans'))[0]).toMatchObject({ key: 't-1', value: 'any bytes' });
  expect((await cli('remove', 'cans')).status).toBe(0);
  expect((await api('GET', '/cans')).status).toBe(404);
  const { status, log } = await cli('remove', 'cans');
  expect(status).toBe(1);
  expect(log).toContain('there is no route cans');
});

test('a format that a route declares is decoded', async () => {
  const declared = {
    filter: 'own/+',
    topic: 'own',
    decoder: { each: 'p[*]', fields: { lat: 'y', lon: 'x', speed: { path: 'v', unit: 'm/s' } } },
  };
  expect(await api('PUT', '/own', declared)).toMatchObject({ status: 200 });
  await until('positions by the declaration', async () => {
    await publish('own/t-1', '{"p":[{"y":1,"x":2,"v":10},{"y":3,"x":4}]}');
    return (await recordsOf('own')).length > 0;
  });
  const [first, second] = (await recordsOf('own')).map(({ value }) => JSON.parse(value));
  expect(first).toMatchObject({ truckId: 't-1', lat: 1, lon: 2, speedKmh: 36, source: 'own' });
  expect(second).toMatchObject({ truckId: 't-1', lat: 3, lon: 4 });
});

test('exported routes are imported elsewhere, all or none', async () => {
  const file = join(dataFolder(), 'routes.json');
  expect((await Program.run('cli', env, ['routes', 'export', file])).status).toBe(0);
  const exported = JSON.parse(readFileSync(file, 'utf8'));
  expect(exported.map(({ name }: { name: string }) => name)).toEqual(['own', 'yard']);
  const refused = await Program.run('cli', env, ['routes', 'import', file]);
  expect(refused).toMatchObject({ status: 1, log: expect.stringContaining('route own exists') });
  await api('DELETE', '/own');
  expect((await Program.run('cli', env, ['routes', 'import', file, '--replace'])).status).toBe(0);
  expect((await api('GET', '/own')).body).toMatchObject(exported[0]);
});

test('a restart keeps the routes', async () => {
  await device.endAsync(true);
  expect(await program.stop()).toBe(0);
  program = await Program.start('appliance', env);
  device = await connectAsync(`mqtt://127.0.0.1:${program.ports.mqtt}`);
  const count = (await recordsOf('yard')).length;
  await publish('yard/t-7/position');
  expect(await recordsOf('yard')).toHaveLength(count + 1);
});
