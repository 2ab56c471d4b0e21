// Rules as their users have them: added by the API, in force without a restart, kept over one, and back-tested.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { addRule, speedingRule } from '../support/rules.ts';
import { readAll } from './support/log-reader.ts';
import { dataFolder, Program, testSettings } from './support/program.ts';
import { until } from './support/until.ts';

const dataDir = dataFolder();
const env = { ...testSettings, MILEPOST_DATA_DIR: dataDir, MILEPOST_LOG_LEVEL: 'warn' };
const fence = {
  id: 'city',
  name: 'Gothenburg',
  kind: 'geofence',
  event: 'exit',
  area: { type: 'Circle', center: [11.97, 57.7], radiusM: 5_000 },
};
let program: Program;

const gps = async (truckId: string, ...positions: readonly object[]): Promise<void> => {
  const device = await connectAsync(`mqtt://127.0.0.1:${program.ports.mqtt}`);
  for (const position of positions)
    await device.publishAsync(`trucks/${truckId}/gps`, JSON.stringify(position), { qos: 1 });
  await device.endAsync();
};
const http = async (path: string, options: RequestInit = {}): Promise<any> =>
  (await fetch(`http://127.0.0.1:${program.ports.http}${path}`, options)).json();
const alertsOf = async (truckId: string): Promise<{ rule: string; alertId: string }[]> =>
  (await readAll(program.ports.kafka, 'truck_alerts'))
    .filter(({ key }) => key === truckId)
    .map(({ value }) => JSON.parse(value));
const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();

test('the rules of a user: from the API to the alert, to a back-test, and over a restart', async () => {
  program = await Program.start('appliance', env);
  expect((await http('/api/rules')).map(({ id }: { id: string }) => id)).toEqual(['silence']);
  await addRule(program.ports.http, speedingRule);
  await addRule(program.ports.http, fence);
  await gps('racer', { lat: 57.7, lon: 11.97, speedKmh: 150 });
  await until('the alert on the topic', async () => (await alertsOf('racer')).length > 0);
  const [alert] = await alertsOf('racer');
  expect(alert).toMatchObject({ rule: 'speeding', ruleName: 'Faster than 90 km/h', ruleVersion: 2 });
  await until('the alert in the API', async () =>
    (await http('/api/alerts')).some(({ alertId }: { alertId: string }) => alertId === alert?.alertId),
  );

  // A device that was without a network sends its newest position first. The fence is shown to fire after it.
  const [in1, in2, out] = [
    { lat: 57.7, lon: 11.97 },
    { lat: 57.7, lon: 11.98 },
    { lat: 57.8, lon: 12.3 },
  ];
  await gps(
    'stored',
    { ...in1, ts: ago(600) },
    { ...in2, ts: ago(0) },
    { ...out, ts: ago(240) },
    { ...out, ts: ago(300) },
  );
  await gps('stored', { ...out, ts: ago(0) });
  await until('the truck that left', async () => (await alertsOf('stored')).length > 0);
  expect((await alertsOf('stored')).map(({ rule }) => rule)).toEqual(['city']);

  const response = await fetch(`http://127.0.0.1:${program.ports.http}/api/rules/backtest`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ruleId: 'city', from: ago(3_600) }),
  });
  const events = (await response.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events.filter(({ kind }) => kind === 'alert').map(({ alert: played }) => played.alertId)).toEqual(
    (await alertsOf('stored')).map(({ alertId }) => alertId),
  );

  await http('/api/rules/speeding', {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ limitKmh: 120 }),
  });
  const before = await http('/api/rules');
  expect(await program.stop()).toBe(0);
  program = await Program.start('appliance', env);
  expect(await http('/api/rules')).toEqual(before);
  await gps('slower', { lat: 57.7, lon: 11.97, speedKmh: 110 }, { lat: 57.7, lon: 11.97, speedKmh: 130 });
  await until('the alert after the restart', async () => (await alertsOf('slower')).length > 0);
  expect(await alertsOf('slower')).toMatchObject([{ rule: 'speeding', position: { speedKmh: 130 } }]);

  const file = join(dataFolder(), 'rules.json');
  expect((await Program.run('cli', env, ['rules', 'export', file])).status).toBe(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(before);
  expect((await Program.run('cli', env, ['rules', 'remove', 'speeding'])).status).toBe(0);
  expect((await Program.run('cli', env, ['rules', 'import', file])).log).toMatch(/^milepost: city, silence exist:/m);
  const kafka = { ...env, MILEPOST_KAFKA_PORT: String(program.ports.kafka) };
  const played = await Program.run('cli', kafka, ['rules', 'backtest', '{"kind":"speeding","limitKmh":140}']);
  expect(played).toMatchObject({ status: 0, log: expect.stringContaining('8 positions, 1 alerts') });
  expect(await program.stop()).toBe(0);
});
