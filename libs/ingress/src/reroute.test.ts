// Routes that change while devices are connected.
import { compileRoutes, DEFAULT_ROUTES, readRoute, type Route } from '@milepost/routes';
import { Rights } from './rights.ts';
import { Bench, settled } from './test-kit.ts';

const routesOf = (...definitions: object[]): readonly Route[] =>
  compileRoutes(definitions.map((one, at) => readRoute({ name: `r-${at}`, ...one })));
const textsOf = (headers: ReadonlyMap<string, Buffer> | undefined): Record<string, string> =>
  Object.fromEntries([...(headers ?? [])].map(([name, value]) => [name, value.toString()]));

async function stored(bench: Bench) {
  await settled();
  await bench.sink.recover();
  return bench.sink.log.filter(({ headers }) => headers.has('mqtt.topic'));
}

test('the next message of a connected device takes the new route, with its topic, headers and decoder', async () => {
  const bench = new Bench();
  const device = bench.device();
  device.drive(1, 1);
  bench.intake.reroute(routesOf({ filter: 'trucks/+/gps', topic: 'yard', headers: { site: 'gbg' } }));
  device.drive(1, 2);
  bench.intake.reroute(DEFAULT_ROUTES);
  device.drive(1, 3);
  const records = await stored(bench);
  expect(records.map(({ topic }) => topic).sort()).toEqual(['truck_gps', 'truck_gps', 'yard']);
  const yard = records.find(({ topic }) => topic === 'yard');
  expect(yard?.key?.toString()).toBe('t-1');
  expect(textsOf(yard?.headers)).toMatchObject({ site: 'gbg', 'mqtt.topic': 'trucks/t-1/gps' });
  for (const { headers, topic } of records) expect(headers.has('site')).toBe(topic === 'yard');
  expect(device.acks).toEqual([1, 2, 3]);
  expect(bench.balance()).toMatchObject({ received: 3, appended: 3 });
});

test('a publish that waits for the log keeps the route that it arrived by', async () => {
  const bench = new Bench();
  const device = bench.device();
  device.drive(1, 1);
  await settled();
  bench.intake.reroute(routesOf({ filter: 'nothing/+' }));
  expect((await stored(bench)).map(({ topic }) => topic)).toEqual(['truck_gps']);
});

test('a raw payload is stored as it came, with its origin, and acknowledged', async () => {
  const bench = new Bench({ routes: routesOf({ filter: 'cans/+/frames', decoder: 'raw', topic: 'cans' }) });
  const device = bench.device();
  const bytes = Buffer.from([0, 1, 0xff, 0xfe, 0x7b]);
  device.publish('cans/t-9/frames', bytes);
  device.publish('cans/t-9/frames', Buffer.alloc(0));
  const [record, empty] = await stored(bench);
  expect(record).toMatchObject({ topic: 'cans', key: Buffer.from('t-9'), value: bytes });
  expect(textsOf(record?.headers)).toEqual({
    'mqtt.topic': 'cans/t-9/frames',
    'mqtt.client': 'device',
    'mqtt.qos': '1',
  });
  expect(empty?.value).toHaveLength(0);
  expect(device.acks).toEqual([1, 2]);
});

test('a device may store raw payloads only under its own name', async () => {
  const routes = routesOf({ filter: 'cans/+/frames', decoder: 'raw', topic: 'cans' });
  const bench = new Bench({ routes });
  const rights = new Rights({ id: 't-9', publish: [], subscribe: [] }, () => routes);
  const device = bench.device('t-9', { rights, hearsReasons: true });
  device.publish('cans/t-9/frames', 'mine');
  device.publish('cans/t-8/frames', 'of another truck');
  expect((await stored(bench)).map(({ value }) => value.toString())).toEqual(['mine']);
});

test('a device that is connected may subscribe to its own topics of a new route', () => {
  let routes = DEFAULT_ROUTES;
  const rights = new Rights({ id: 't-9', publish: [], subscribe: [] }, () => routes);
  expect(rights.maySubscribe('cans/t-9/frames')).toBe(false);
  routes = routesOf({ filter: 'cans/+/frames' });
  expect(rights.maySubscribe('cans/t-9/frames')).toBe(true);
  expect(rights.maySubscribe('cans/t-8/frames')).toBe(false);
});
