// Damage on a real disk: a torn tail is cut and logged, a damaged batch is logged and never served, the rest is served.
import { appendFileSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { readBack } from '@milepost/streams';
import { readAll } from './support/log-reader.ts';
import { testSettings, dataFolder, Program } from './support/program.ts';

/** One position of each truck, over one connection. */
async function publish(program: Program, truckIds: readonly string[]): Promise<void> {
  const device = await connectAsync(`mqtt://127.0.0.1:${program.ports.mqtt}`);
  const position = JSON.stringify({ lat: 1, lon: 2 });
  for (const truckId of truckIds) await device.publishAsync(`trucks/${truckId}/gps`, position, { qos: 1 });
  await device.endAsync();
}

/** The first nonempty segment of a partition of `truck_gps`. */
function fullSegment(data: string): string {
  const log = join(data, 'log');
  const files = readdirSync(log)
    .filter((name) => name.startsWith('truck_gps-'))
    .map((name) => join(log, name, '00000000000000000000.log'));
  const found = files.find((file) => statSync(file).size > 0);
  if (!found) throw new Error('nothing was written');
  return found;
}

test('a torn tail is cut at the start and logged, and nothing before it is lost', async () => {
  const env = { ...testSettings, MILEPOST_DATA_DIR: dataFolder() };
  const first = await Program.start('appliance', env);
  await publish(first, Array(5).fill('torn'));
  await first.kill();
  const segment = fullSegment(env.MILEPOST_DATA_DIR);
  const whole = Buffer.alloc(70);
  readSync(openSync(segment, 'r'), whole, 0, 70, 0);
  appendFileSync(segment, whole); // the beginning of a batch, without its end

  const second = await Program.start('appliance', env);
  await second.says(/70 bytes|"bytes":70|cutBytes":70/);
  await publish(second, ['torn']);
  const records = await readAll(second.ports.kafka, 'truck_gps');
  expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(await second.stop()).toBe(0);
});

test('a flipped bit is logged and its batch never served; other partitions continue', async () => {
  const env = { ...testSettings, MILEPOST_DATA_DIR: dataFolder() };
  const first = await Program.start('appliance', env);
  await publish(
    first,
    Array.from({ length: 60 }, (_, truck) => `truck-${truck}`),
  );
  expect(await first.stop()).toBe(0);
  const segment = fullSegment(env.MILEPOST_DATA_DIR);
  const file = openSync(segment, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, 100);
  byte[0] = (byte[0] ?? 0) ^ 1;
  writeSync(file, byte, 0, 1, 100);

  const second = await Program.start('appliance', env);
  const damaged = Number(/truck_gps-(\d+)/.exec(segment)?.[1]);
  for (let partition = 0; partition < 10; partition++) {
    const offsets = await readable(second.ports.kafka, partition);
    expect(offsets.includes(0)).toBe(partition !== damaged); // the first batch is the damaged one
  }
  await second.says(/crc/i);
  expect(await second.stop()).toBe(0);
});

/** The offsets of a partition that a reader receives. */
async function readable(port: number, partition: number): Promise<number[]> {
  const stretch = { bootstrapServers: [`127.0.0.1:${port}`], clientId: 'look', topic: 'truck_gps', fromTimestamp: 0 };
  const offsets: number[] = [];
  try {
    for await (const records of readBack({ ...stretch, partitions: [partition] }))
      offsets.push(...records.map(({ offset }) => offset));
  } catch {
    // refused: the offsets received before count
  }
  return offsets;
}
