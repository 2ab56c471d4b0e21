// Damage on a real disk: what was torn is cut and said, what was flipped is named and never served, the rest serves.
import { appendFileSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { kafkajs, readAll } from './support/log-reader.ts';
import { testSettings, dataFolder, Program } from './support/program.ts';

async function publish(program: Program, truckId: string, count: number): Promise<void> {
  const device = await connectAsync(`mqtt://127.0.0.1:${program.ports.mqtt}`);
  for (let n = 0; n < count; n++)
    await device.publishAsync(`trucks/${truckId}/gps`, JSON.stringify({ lat: 1, lon: 2, odometerM: n }), { qos: 1 });
  await device.endAsync();
}

/** The first segment of the partition of `truck_gps` that holds something. */
function fullSegment(data: string): string {
  const log = join(data, 'log');
  const files = readdirSync(log)
    .filter((name) => name.startsWith('truck_gps-'))
    .map((name) => join(log, name, '00000000000000000000.log'));
  const found = files.find((file) => statSync(file).size > 0);
  if (!found) throw new Error('nothing was written');
  return found;
}

test('a torn tail is cut at the start, said, and nothing before it is lost', async () => {
  const env = { ...testSettings, MILEPOST_DATA_DIR: dataFolder() };
  const first = await Program.start('appliance', env);
  await publish(first, 'torn', 5);
  await first.kill();
  const segment = fullSegment(env.MILEPOST_DATA_DIR);
  const whole = Buffer.alloc(70);
  readSync(openSync(segment, 'r'), whole, 0, 70, 0);
  appendFileSync(segment, whole); // the beginning of a batch, without its end

  const second = await Program.start('appliance', env);
  expect(second.log).toMatch(/70 bytes|"bytes":70|cutBytes":70/);
  await publish(second, 'torn', 1);
  const records = await readAll(second.ports.kafka, 'truck_gps');
  expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(await second.stop()).toBe(0);
}, 120_000);

test('a flipped bit is named and its batch never served; other partitions serve on', async () => {
  const env = { ...testSettings, MILEPOST_DATA_DIR: dataFolder() };
  const first = await Program.start('appliance', env);
  await publish(first, 'flip', 3);
  expect(await first.stop()).toBe(0);
  const segment = fullSegment(env.MILEPOST_DATA_DIR);
  const file = openSync(segment, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, 100);
  byte[0] = (byte[0] ?? 0) ^ 1;
  writeSync(file, byte, 0, 1, 100);

  const second = await Program.start('appliance', env);
  const partition = Number(/truck_gps-(\d+)/.exec(segment)?.[1]);
  const other = Array.from({ length: 50 }, (_, n) => `other-${n}`);
  for (const truckId of other) await publish(second, truckId, 1);
  const served = await readUntouched(second.ports.kafka, partition);
  expect(served).toBeGreaterThan(30);
  expect(second.log).toMatch(/crc/i);
  expect(await second.stop()).toBe(0);
}, 120_000);

/** How many records the other partitions hold for a reader; the damaged one must give none. */
async function readUntouched(port: number, damaged: number): Promise<number> {
  const consumer = kafkajs(port).consumer({ groupId: 'untouched', retry: { retries: 0 } });
  await consumer.connect();
  await consumer.subscribe({ topic: 'truck_gps', fromBeginning: true });
  let untouched = 0;
  let fromDamaged = 0;
  const ended = new Promise<void>((resolve) => {
    consumer.on('consumer.crash', () => resolve());
    consumer.on('consumer.end_batch_process', () => untouched > 30 && resolve());
  });
  await consumer.run({
    eachMessage: async ({ partition }) => {
      if (partition === damaged) fromDamaged += 1;
      else untouched += 1;
    },
  });
  await ended;
  await consumer.disconnect();
  expect(fromDamaged).toBe(0);
  return untouched;
}
