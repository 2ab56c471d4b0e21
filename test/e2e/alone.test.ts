// Each app as a separate program, connected only by Kafka's protocol: as they run beside another Kafka.
import { connectAsync } from 'mqtt';
import { rulesInForce, speedingRule } from '../support/rules.ts';
import { readAll } from './support/log-reader.ts';
import { dataFolder, Program, testSettings } from './support/program.ts';
import { until } from './support/until.ts';

test('broker, gateway, dashboard and notifications run one by one', async () => {
  const settings = () => ({ ...testSettings, MILEPOST_DATA_DIR: dataFolder(), MILEPOST_LOG_LEVEL: 'warn' });
  const broker = await Program.start('broker', settings());
  const client = () => ({ ...settings(), MILEPOST_BOOTSTRAP_SERVERS: `127.0.0.1:${broker.ports.kafka}` });
  const ofNotifications = client();
  const notifications = await Program.start('notifications', ofNotifications);
  const dashboard = await Program.start('dashboard', client());
  const gateway = await Program.start('gateway', client());
  expect(Object.keys(gateway.ports).sort()).toEqual(['http', 'mqtt', 'mqttWs']);

  const rule = JSON.stringify(speedingRule);
  expect((await Program.run('cli', ofNotifications, ['rules', 'add', rule])).status).toBe(0);
  await rulesInForce(notifications.ports.http, 2);
  const device = await connectAsync(`mqtt://127.0.0.1:${gateway.ports.mqtt}`);
  await device.publishAsync('trucks/alone/gps', '{"lat":57.7,"lon":11.97,"speedKmh":140}', { qos: 1 });
  await device.endAsync();
  await until('the truck on the map', async () =>
    (await (await fetch(`http://127.0.0.1:${dashboard.ports.http}/api/trucks`)).text()).includes('alone'),
  );
  await until('the alert in the log', async () => (await readAll(broker.ports.kafka, 'truck_alerts')).length === 1);
  for (const program of [gateway, dashboard, notifications, broker]) expect(await program.stop()).toBe(0);
});

test('a gateway whose Kafka is away reports it in one line and exits with 1', async () => {
  const { status, log } = await Program.run('gateway', {
    ...testSettings,
    MILEPOST_DATA_DIR: dataFolder(),
    MILEPOST_LOG_LEVEL: 'error',
    MILEPOST_BOOTSTRAP_SERVERS: '127.0.0.1:1',
  });
  expect(status).toBe(1);
  expect(log.trim().split('\n')).toEqual([expect.stringContaining('127.0.0.1:1')]);
});
