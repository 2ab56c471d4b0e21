// The main job end to end, on real parts: real devices (mqtt), the real database, and readers that share no code with
// us. `npm run test:kafka` runs the same on Apache Kafka instead of our broker, `npm run test:deploy` with every port locked.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Consumer as PlatformaticConsumer } from '@platformatic/kafka';
import type { MqttClient } from 'mqtt';
import { connectionOptions } from '@milepost/streams';
import { addRule, speedingRule } from '../support/rules.ts';
import { type Doors, startBehindDoors } from './support/doors-under-test.ts';
import { kafkajs, readAll, type ReadRecord } from './support/log-reader.ts';
import { dataFolder } from './support/program.ts';
import { until } from './support/until.ts';

interface Call {
  readonly key: string | undefined;
  readonly body: { alertId: string; rule: string; truckId: string };
}

const env = { MILEPOST_DATA_DIR: dataFolder(), MILEPOST_LOG_LEVEL: 'warn' };
const calls: Call[] = [];
let webhook: Server;
let doors: Doors;
let device: MqttClient;

beforeAll(async () => {
  webhook = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      calls.push({ key: request.headers['idempotency-key'] as string, body: JSON.parse(body) });
      response.writeHead(calls.length === 1 ? 503 : 204).end(); // the first is refused, so it must be resent
    });
  });
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
  const { port } = webhook.address() as AddressInfo;
  doors = await startBehindDoors({ ...env, MILEPOST_WEBHOOK_URL: `http://127.0.0.1:${port}/alerts` });
  await addRule((path, posted) => doors.http(path, posted), speedingRule);
  device = await doors.device();
});

afterAll(async () => {
  await device?.endAsync(true);
  await doors?.program.stop();
  webhook?.close();
});

const publish = (topic: string, payload: string | Buffer) => device.publishAsync(topic, payload, { qos: 1 });
const gps = (truckId: string, fields: object) => publish(`trucks/${truckId}/gps`, JSON.stringify(fields));
const http = async (path: string): Promise<any> => JSON.parse(await doors.http(path));
const ofTruck = async (truckId: string): Promise<ReadRecord[]> =>
  (await readAll(doors.kafka, 'truck_gps')).filter(({ key }) => key === truckId);

test('a position that is acknowledged can be read by a Kafka client, with every digit and its own time', async () => {
  const payload = '{"lat":60.170000000000001,"lon":24.940,"ts":"2026-11-22T10:00:00.123+02:00","speedKmh":0.10}';
  await publish('trucks/digits/gps', payload);
  const [record] = await ofTruck('digits');
  expect(record?.value).toContain('"lat":60.170000000000001,"lon":24.940');
  expect(record?.value).toContain('"ts":"2026-11-22T10:00:00.123+02:00"');
  expect(record?.value).toContain('"speedKmh":0.10');
});

test("a truck is always in the partition that Java's default partitioner gives it", async () => {
  const truckIds = ['t-1', 'truck-001', 'truck-025', 'abc'];
  for (const truckId of truckIds) for (let n = 0; n < 3; n++) await gps(truckId, { lat: 1, lon: n });
  const partitions = new Map<string, Set<number>>();
  for (const { key, partition } of await readAll(doors.kafka, 'truck_gps'))
    if (key && truckIds.includes(key)) partitions.set(key, (partitions.get(key) ?? new Set()).add(partition));
  const ours = Object.fromEntries([...partitions].map(([key, where]) => [key, [...where]]));
  expect(ours).toEqual(await partitionsByKafkajs(truckIds));
});

/** The partitions of the same keys in kafkajs, whose default partitioner is Java's. */
async function partitionsByKafkajs(keys: readonly string[]): Promise<Record<string, number[]>> {
  const { Partitioners } = await import('kafkajs');
  const choose = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: 10 }, (_, partitionId) => ({ partitionId, leader: 1 }));
  const where = (key: string) =>
    choose({ topic: 'truck_gps', partitionMetadata: partitionMetadata as never, message: { key, value: '' } });
  return Object.fromEntries(keys.map((key) => [key, [where(key)]]));
}

test('an OwnTracks phone appears beside the trucks', async () => {
  await publish(
    'owntracks/ada/phone',
    '{"_type":"location","lat":57.69,"lon":11.95,"tst":1763800000,"vel":36,"batt":80}',
  );
  const [record] = await ofTruck('ada-phone');
  expect(JSON.parse(record?.value ?? '{}')).toMatchObject({
    truckId: 'ada-phone',
    lat: 57.69,
    speedKmh: 36,
    batteryPct: 80,
  });
});

test('the map has a position within a second, on its socket too', async () => {
  const socket = doors.live();
  await new Promise((resolve) => socket.once('open', resolve));
  let told = '';
  socket.on('message', (data: Buffer) => (told += data.toString()));
  const onTheMap = async (truckId: string) => {
    const { features } = await http('/api/trucks');
    return features.find((one: { properties: { truckId: string } }) => one.properties.truckId === truckId);
  };
  // A slow machine sometimes takes longer; a map that polls would take longer each time.
  const tookMs: number[] = [];
  for (let n = 0; n < 20 && !tookMs.some((ms) => ms < 1_000); n++) {
    const began = performance.now();
    await gps(`fresh-${n}`, { lat: 57.71, lon: 11.96, speedKmh: 42 });
    const feature = await until('the truck on the map', () => onTheMap(`fresh-${n}`));
    tookMs.push(performance.now() - began);
    expect(feature.geometry).toEqual({ type: 'Point', coordinates: [11.96, 57.71] });
    await until('the truck on the socket', () => told.includes(`fresh-${n}`));
  }
  expect(Math.min(...tookMs)).toBeLessThan(1_000);
  socket.close();
});

test("a truck's track is read back from the log by time", async () => {
  const from = new Date().toISOString();
  for (let n = 0; n < 5; n++) await gps('tracked', { lat: 57.7 + n / 1000, lon: 11.97, ts: new Date().toISOString() });
  const track = await http(`/api/trucks/tracked/track?from=${from}&to=${new Date(Date.now() + 1000).toISOString()}`);
  expect(JSON.stringify(track)).toContain('57.704');
});

test('a truck that speeds raises one alert: in PostgreSQL, in truck_alerts, at the webhook, with one id', async () => {
  await gps('racer', { lat: 57.7, lon: 11.97, speedKmh: 150 });
  await gps('racer', { lat: 57.7, lon: 11.97, speedKmh: 151 });
  const [{ partition, offset } = { partition: -1, offset: -1 }] = await ofTruck('racer');
  const alertId = `speeding-${partition}-${offset}`;
  await until('the webhook', () => calls.filter(({ key }) => key === alertId).length >= 1);
  const alerts = await until('the topic', async () => {
    const records = await readAll(doors.kafka, 'truck_alerts');
    const own = records.filter(({ key }) => key === 'racer');
    return own.length > 0 && own;
  });
  expect(alerts.map(({ value }) => JSON.parse(value).alertId)).toEqual([alertId]);
  await until('the page', async () => JSON.stringify(await http('/api/alerts')).includes(alertId));
});

test('a webhook that refused an alert gets it again with the same id', async () => {
  await until('a second try', () => calls.filter(({ key }) => key === calls[0]?.key).length >= 2);
  expect(calls[0]?.key).toBe(calls[0]?.body.alertId);
});

test.each([
  ['malformed JSON', 'malformed', 'trucks/bad/gps', '{"lat":'],
  ['NaN', 'malformed', 'trucks/bad/gps', '{"lat":NaN,"lon":4}'],
  ['latitude 91', 'out-of-range', 'trucks/bad/gps', '{"lat":91,"lon":4}'],
  ['an unreadable timestamp', 'unreadable-time', 'trucks/bad/gps', '{"lat":1,"lon":4,"ts":"yesterday"}'],
  ['an empty payload', 'empty', 'trucks/bad/gps', ''],
  ['a topic of nobody', 'no-route', 'nowhere/at/all', '{"lat":1,"lon":4}'],
  ['a topic without a truck id', 'no-truck-id', 'trucks//gps', '{"lat":1,"lon":4}'],
  ['10 MB', 'too-large', 'trucks/bad/gps', 'x'.repeat(10 * 1024 * 1024)],
])('%s is acknowledged, stored with its reason %s, and the connection stays', async (_, reason, topic, payload) => {
  const before = new Set((await readAll(doors.kafka, 'dead_letters')).map(place));
  await publish(topic, payload);
  const letters = (await readAll(doors.kafka, 'dead_letters')).filter((letter) => !before.has(place(letter)));
  expect(letters.map(({ value }) => value).join('')).toBe(payload); // in several parts, if necessary
  for (const { headers } of letters) expect(headers).toMatchObject({ reason, 'mqtt.topic': topic });
  expect(device.connected).toBe(true);
});

const place = ({ partition, offset }: ReadRecord): string => `${partition}/${offset}`;

test('received = appended + dead-lettered + refused + in flight, at every scrape', async () => {
  const flood = Array.from({ length: 500 }, (_, n) => gps(`flood-${n % 10}`, { lat: n % 3 === 0 ? 99 : 1, lon: 2 }));
  for (let look = 0; look < 10; look++) {
    const text = await doors.http('/metrics');
    const sum = (name: string): number =>
      [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)`, 'gm'))].reduce(
        (total, match) => total + Number(match[1]),
        0,
      );
    const received = sum('milepost_mqtt_messages_received_total');
    const accounted =
      sum('milepost_mqtt_messages_appended_total') +
      sum('milepost_dead_letters_total') +
      sum('milepost_mqtt_messages_refused_total') +
      sum('milepost_mqtt_inflight');
    expect(accounted).toBe(received);
  }
  await Promise.all(flood);
});

test('@platformatic/kafka and kafkajs read the same records in the same order', async () => {
  const consumer = new PlatformaticConsumer({
    groupId: 'second-opinion',
    clientId: 'second-opinion',
    ...connectionOptions(doors.kafka),
  });
  const stream = await consumer.consume({ topics: ['truck_gps'], mode: 'earliest', autocommit: false });
  const expected = await readAll(doors.kafka, 'truck_gps');
  const seen: string[] = [];
  for await (const { partition, offset, value } of stream) {
    seen.push(`${partition}/${offset}/${value.toString()}`);
    if (seen.length === expected.length) break;
  }
  await consumer.close(true);
  const order = (line: string): number => Number(line.split('/')[0]) * 1e9 + Number(line.split('/')[1]);
  expect(seen.sort((a, b) => order(a) - order(b))).toEqual(
    expected.map(({ partition, offset, value }) => `${partition}/${offset}/${value}`),
  );
});

test('both applications are ordinary consumer groups', async () => {
  const admin = kafkajs(doors.kafka).admin();
  await admin.connect();
  const { groups } = await admin.describeGroups(['location-dashboard', 'notification-service']);
  expect(groups.map(({ groupId, state, members }) => [groupId, state, members.length])).toEqual([
    ['location-dashboard', 'Stable', 1],
    ['notification-service', 'Stable', 1],
  ]);
  await admin.disconnect();
});

test('health and readiness respond', async () => {
  expect(await http('/health/live')).toEqual({ status: 'live' });
  expect(await http('/health/ready')).toEqual({ status: 'ready' });
});
