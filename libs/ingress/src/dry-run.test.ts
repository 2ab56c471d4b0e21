import { nodeClock } from '@milepost/node-host';
import { ManualClock } from '../../core/src/testing/manual-clock.ts';
import { compileRoutes, DEFAULT_ROUTES, readRoute, type Route } from '@milepost/routes';
import { dryRun } from './dry-run.ts';

const clock = new ManualClock(Date.parse('2026-11-22T10:00:00Z'));
const tried = (topic: string, payload: string | Buffer, routes: readonly Route[] = DEFAULT_ROUTES) =>
  dryRun(routes, { topic, payload: Buffer.from(payload as string), client: 'dry-run' }, clock);

test('a payload that can be decoded is shown as the record that it would be', async () => {
  const { route, records } = await tried(
    'owntracks/ada/phone',
    '{"_type":"location","lat":1.50,"lon":2,"tst":1763805600}',
  );
  expect(route).toBe('owntracks');
  expect(records).toEqual([
    {
      topic: 'truck_gps',
      key: 'ada-phone',
      headers: { 'mqtt.topic': 'owntracks/ada/phone', 'mqtt.client': 'dry-run', 'mqtt.qos': '1', device: 'ada/phone' },
      value: Buffer.from('{"truckId":"ada-phone","ts":"2025-11-22T10:00:00Z","lat":1.50,"lon":2,"source":"owntracks"}'),
      isDeadLetter: false,
    },
  ]);
});

test('one that cannot is shown with the reason of its dead letter', async () => {
  const { route, records } = await tried('trucks/t-1/gps', '{"lat":91,"lon":2}');
  expect(route).toBe('trucks');
  expect(records).toMatchObject([
    {
      topic: 'dead_letters',
      headers: { reason: 'out-of-range', detail: 'lat: expected a number from -90 to 90, saw 91' },
      isDeadLetter: true,
    },
  ]);
});

test('a topic that no route takes is shown as such', async () => {
  const { route, records } = await tried('elsewhere', 'x');
  expect(route).toBeUndefined();
  expect(records).toMatchObject([{ headers: { reason: 'no-route' }, isDeadLetter: true }]);
});

test('a batch is shown record by record, however long', async () => {
  const payload = JSON.stringify(Array.from({ length: 1500 }, () => ({ lat: 1, lon: 2 })));
  const publish = { topic: 'trucks/t-1/gps', payload: Buffer.from(payload), client: 'dry-run' };
  expect((await dryRun(DEFAULT_ROUTES, publish, nodeClock)).records).toHaveLength(1500); // several sends, which linger
});

test('a raw payload is shown byte for byte', async () => {
  const routes = compileRoutes([readRoute({ name: 'cans', filter: 'cans/+', decoder: 'raw', topic: 'cans' })]);
  const bytes = Buffer.from([0, 0xff]);
  expect((await tried('cans/t-1', bytes, routes)).records).toMatchObject([{ topic: 'cans', key: 't-1', value: bytes }]);
});
