// Ctrl-C and a restart: the log continues where it was, groups resume, no alert is raised twice.
import { connectAsync } from 'mqtt';
import { addRule, speedingRule } from '../support/rules.ts';
import { kafkajs, readAll } from './support/log-reader.ts';
import { testSettings, dataFolder, Program } from './support/program.ts';
import { until } from './support/until.ts';

const env = { ...testSettings, MILEPOST_DATA_DIR: dataFolder(), MILEPOST_LOG_LEVEL: 'warn' };

async function publish(program: Program, positions: readonly object[]): Promise<void> {
  const device = await connectAsync(`mqtt://127.0.0.1:${program.ports.mqtt}`);
  for (const position of positions)
    await device.publishAsync('trucks/resume/gps', JSON.stringify(position), { qos: 1 });
  await device.endAsync();
}

/** The sum of a group's committed offsets in `truck_gps`. */
async function committed(port: number, groupId: string): Promise<number> {
  const admin = kafkajs(port).admin();
  await admin.connect();
  const [topic] = await admin.fetchOffsets({ groupId, topics: ['truck_gps'] });
  await admin.disconnect();
  return topic?.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0) ?? 0;
}

test('after a clean stop and a start everything continues where it was', async () => {
  const first = await Program.start('appliance', env);
  await addRule(first.ports.http, speedingRule);
  await publish(first, [
    { lat: 57.7, lon: 11.97, speedKmh: 140 },
    { lat: 57.7, lon: 11.98, speedKmh: 141 },
  ]);
  await until('both groups commit', async () => {
    const sums = await Promise.all(
      ['location-dashboard', 'notification-service'].map((group) => committed(first.ports.kafka, group)),
    );
    return sums.every((sum) => sum === 2);
  });
  await until('the alert', async () => (await readAll(first.ports.kafka, 'truck_alerts')).length === 1);
  expect(await first.stop()).toBe(0);

  const second = await Program.start('appliance', env);
  expect(await committed(second.ports.kafka, 'notification-service')).toBe(2);
  const trucks = await (await fetch(`http://127.0.0.1:${second.ports.http}/api/trucks`)).text();
  expect(trucks).toContain('resume'); // shown immediately, before it is heard again
  await publish(second, [{ lat: 57.7, lon: 11.99, speedKmh: 142 }]);
  await until('the group reads on', async () => (await committed(second.ports.kafka, 'notification-service')) === 3);
  const positions = await readAll(second.ports.kafka, 'truck_gps');
  expect(positions.map(({ offset }) => offset)).toEqual([0, 1, 2]);
  expect(await readAll(second.ports.kafka, 'truck_alerts')).toHaveLength(1);
  expect(await second.stop()).toBe(0);
});
