// MQTT sessions under the hardest stop of a process: what was stored of them is there after the next start.
import { join } from 'node:path';
import { silentLogger } from '@milepost/core';
import { startEmbeddedPostgres } from '@milepost/postgres';
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { dataFolder, Program, testSettings } from './support/program.ts';
import { until } from './support/until.ts';

const settings = { ...testSettings, MILEPOST_LOG_LEVEL: 'warn' };

test('kill -9: queued and retained messages arrive after the restart, each once, and the last will is published', async () => {
  const env = { ...settings, MILEPOST_DATA_DIR: dataFolder() };
  let program = await Program.start('appliance', env);
  const away = await device(program, { clientId: 'dev-1', clean: false });
  await away.client.subscribeAsync({ 'cmd/dev-1': { qos: 2 }, 'cmd/all': { qos: 1 } });
  await away.client.endAsync();
  const watcher = await device(program, { clientId: 'watcher', clean: false });
  await watcher.client.subscribeAsync('state/+', { qos: 1 });
  await watcher.client.endAsync();
  const will = { topic: 'state/dev-2', payload: Buffer.from('gone'), qos: 1 as const, retain: true };
  await device(program, { clientId: 'dev-2', will });
  const publisher = await device(program, { clientId: 'fleet' });
  await publisher.client.publishAsync('cmd/dev-1', 'reboot', { qos: 2 });
  await publisher.client.publishAsync('cmd/all', 'report', { qos: 1 });
  await publisher.client.publishAsync('cfg/t-1', 'interval=5', { qos: 1, retain: true });
  await until('everything is in the database', () => isStored(program));
  await program.kill();

  program = await Program.start('appliance', env);
  const returned = await device(program, { clientId: 'dev-1', clean: false });
  await until('what was queued', () => returned.received.length >= 2);
  const fresh = await device(program, { clientId: 'fresh' });
  await fresh.client.subscribeAsync(['cfg/#', 'state/#'], { qos: 1 });
  await until('what is retained', () => fresh.received.length >= 2);
  expect(fresh.received.sort()).toEqual(['cfg/t-1 interval=5', 'state/dev-2 gone']);
  const back = await device(program, { clientId: 'watcher', clean: false });
  await until('the last will', () => back.received.length >= 1);
  expect(back.received).toEqual(['state/dev-2 gone']);

  // The messages of a later connection come after everything that the queue still had.
  await until('everything is acknowledged', () => isStored(program));
  await returned.client.endAsync();
  const again = await device(program, { clientId: 'dev-1', clean: false });
  await fresh.client.publishAsync('cmd/all', 'end', { qos: 1 });
  await until('the end', () => again.received.includes('cmd/all end'));
  expect([...returned.received, ...again.received].sort()).toEqual([
    'cmd/all end',
    'cmd/all report',
    'cmd/dev-1 reboot',
  ]);
  for (const { client } of [fresh, back, again]) await client.endAsync();
  await program.stop();
});

test('while PostgreSQL is away positions and sessions go on; what they had is there after a kill -9', async () => {
  const postgresFolder = join(dataFolder(), 'postgres');
  let postgres = await startEmbeddedPostgres({ dataDir: postgresFolder, logger: silentLogger });
  const env = { ...settings, DATABASE_URL: postgres.url, MILEPOST_DATA_DIR: dataFolder() };
  let program = await Program.start('appliance', env);
  const position = '{"lat":57.7,"lon":11.97}';
  const before = await device(program, { clientId: 't-0' });
  await before.client.publishAsync('trucks/t-0/gps', position, { qos: 1 }); // the gateway gets its producer id
  await before.client.endAsync();
  await until('everything is in the database', () => isStored(program));
  await postgres.stop();

  const truck = await device(program, { clientId: 't-1' });
  await truck.client.publishAsync('trucks/t-1/gps', position, { qos: 1 });
  const away = await device(program, { clientId: 'dev-1', clean: false });
  await away.client.subscribeAsync('cmd/dev-1', { qos: 1 });
  await away.client.endAsync();
  await truck.client.publishAsync('cmd/dev-1', 'reboot', { qos: 1 });
  await program.says(/MQTT sessions and queued messages cannot be stored and wait in memory/);
  postgres = await startEmbeddedPostgres({ dataDir: postgresFolder, logger: silentLogger });
  await until('everything is in the database', () => isStored(program));
  await program.kill();

  program = await Program.start('appliance', env);
  const returned = await device(program, { clientId: 'dev-1', clean: false });
  await until('what was queued', () => returned.received.length > 0);
  expect(returned.received).toEqual(['cmd/dev-1 reboot']);
  await returned.client.endAsync();
  await program.stop();
  await postgres.stop();
});

async function device(
  { ports }: Program,
  options: IClientOptions,
): Promise<{ readonly client: MqttClient; readonly received: string[] }> {
  const received: string[] = [];
  const client = connect(`mqtt://127.0.0.1:${ports.mqtt}`, { reconnectPeriod: 0, ...options });
  client.on('error', () => {});
  client.on('message', (topic, payload) => received.push(`${topic} ${payload.toString()}`)); // some follow CONNACK directly
  await new Promise((resolve) => client.once('connect', resolve));
  return { client, received };
}

async function isStored({ ports }: Program): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${ports.http}/metrics`);
  return /^milepost_mqtt_session_writes_pending 0$/m.test(await response.text());
}
