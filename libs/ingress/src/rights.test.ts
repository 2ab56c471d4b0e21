import { DEFAULT_ROUTES, filterCovers } from '@milepost/routes';
import { Rights } from './rights.ts';
import { Bench, settled } from './test-kit.ts';

const rightsOf = (id: string, more: { publish?: string[]; subscribe?: string[] } = {}): Rights =>
  new Rights({ id, publish: [], subscribe: [], ...more }, () => DEFAULT_ROUTES);
const truck = rightsOf('t-1');

test.each([
  ['trucks/+/gps', 'trucks/t-1/gps', true],
  ['trucks/#', 'trucks/#', true],
  ['trucks/#', 'trucks/+/gps', true],
  ['trucks/#', 'trucks', true],
  ['#', 'trucks/#', true],
  ['#', '$SYS/#', false],
  ['+/uptime', '$SYS/uptime', false],
  ['trucks/+', 'trucks/#', false],
  ['trucks/+', 'trucks/+', true],
  ['trucks/t-1/gps', 'trucks/+/gps', false],
  ['trucks/t-1/#', '#', false],
  ['trucks/+/gps', 'trucks/t-1/gps/more', false],
])('%s covers %s: %s', (filter, other, covers) => {
  expect(filterCovers(filter, other)).toBe(covers);
});

describe('a device subscribes', () => {
  test.each(['trucks/t-1/commands', 'trucks/t-1/#', 'trucks/t-1/+', 'teltonika/t-1', 't-1/data', 'osmand/t-1'])(
    'as itself: %s',
    (filter) => {
      expect(truck.maySubscribe(filter)).toBe(true);
    },
  );

  test.each([
    '#',
    '+/+/+',
    'trucks/#',
    'trucks/+/commands',
    'trucks/t-2/commands',
    'trucks/t-1x/commands',
    'teltonika/+',
    '+/data',
    '$SYS/#',
    'traccar/positions',
    '$share/a/trucks/t-2/gps',
  ])('and not as another: %s', (filter) => {
    expect(truck.maySubscribe(filter)).toBe(false);
  });

  test('to what was granted', () => {
    const dispatch = rightsOf('dispatch', { subscribe: ['trucks/#'] });
    expect(dispatch.maySubscribe('trucks/+/gps')).toBe(true);
    expect(dispatch.maySubscribe('#')).toBe(false);
  });

  test('with a name of several levels that join to its id', () => {
    expect(rightsOf('anna-phone').maySubscribe('owntracks/anna/phone')).toBe(true);
    expect(rightsOf('anna-phone').maySubscribe('owntracks/anna/+')).toBe(false);
  });
});

describe('a publish', () => {
  const keys = (bench: Bench, topic = 'truck_gps'): (string | undefined)[] =>
    bench.sink.log.filter((record) => record.topic === topic).map(({ key }) => key?.toString());

  function given(rights = truck, hearsReasons = true) {
    const bench = new Bench();
    bench.sink.automatic = true;
    return { bench, device: bench.device('any client id', { rights, hearsReasons }) };
  }
  const POSITION = '{"lat":1,"lon":2}';

  test.each([
    ['trucks/t-1/gps', POSITION],
    ['osmand/t-1', 'lat=1&lon=2'],
    [
      'traccar/positions',
      '{"position":{"latitude":1,"longitude":2,"fixTime":"2026-11-22T10:00:00Z"},"device":{"uniqueId":"t-1"}}',
    ],
  ])('of its own is stored, and its header says who published: %s', async (topic, payload) => {
    const { bench, device } = given();
    device.publish(topic, payload);
    await settled();
    expect(keys(bench)).toEqual(['t-1']);
    const record = bench.sink.log.find((one) => one.topic === 'truck_gps');
    expect(record?.headers.get('principal')?.toString()).toBe('User:t-1');
    expect(device.acks).toHaveLength(1);
    bench.balance();
  });

  test.each([
    ['in the topic', 'trucks/t-2/gps', POSITION],
    ['in a foreign format', 'osmand/t-2', 'lat=1&lon=2'],
    [
      'in the payload',
      'traccar/positions',
      '{"position":{"latitude":1,"longitude":2,"fixTime":"2026-11-22T10:00:00Z"},"device":{"uniqueId":"t-2"}}',
    ],
    ['that cannot be decoded', 'trucks/t-2/gps', 'nonsense'],
    ['on a topic without a route', 'trucks/t-2/commands', '{}'],
    ['nobody, on a topic without a route', 'elsewhere', '{}'],
    ['a system topic', '$SYS/fake', '{}'],
    ['nobody', 'trucks//gps', POSITION],
  ])('that names another truck is refused and counted: %s', async (_where, topic, payload) => {
    const { bench, device } = given();
    device.publish(topic, payload);
    device.publish('trucks/t-1/gps', POSITION);
    await settled();
    expect(keys(bench)).toEqual(['t-1']);
    expect(keys(bench, 'dead_letters')).toEqual([]);
    expect(bench.balance()).toMatchObject({ received: 2, appended: 1, refused: 1 });
    expect(device.writes.flat().map(({ remark }) => remark?.kind)).toEqual(['not-authorized', undefined]);
  });

  test('refused behind one that waits for the log is acknowledged after it', async () => {
    const bench = new Bench();
    const device = bench.device('any', { rights: truck, hearsReasons: true });
    device.publish('trucks/t-1/gps', POSITION);
    device.publish('trucks/t-2/gps', POSITION, { qos: 2 });
    await settled();
    expect(device.acks).toEqual([]);
    await bench.sink.recover();
    expect(device.acks).toEqual([1, 2]);
  });

  test('refused with QoS 2 is not remembered: its packet id is free', async () => {
    const { bench, device } = given();
    device.publish('trucks/t-2/gps', POSITION, { qos: 2, messageId: 7 });
    device.publish('trucks/t-1/gps', POSITION, { qos: 2, messageId: 7 });
    await settled();
    expect(keys(bench)).toEqual(['t-1']);
  });

  test('that is refused ends a connection of 3.1.1, which has no other way to hear of it (MQTT-3.3.5-2)', async () => {
    const { bench, device } = given(truck, false);
    device.publish('trucks/t-2/gps', POSITION);
    device.publish('trucks/t-1/gps', POSITION);
    await settled();
    expect(device.closed).toBe('not-authorized');
    expect(device.acks).toEqual([]);
    expect(keys(bench)).toEqual([]);
    bench.balance();
  });

  test('of a bridge with a granted filter may be of any truck, and says who published it', async () => {
    const { bench, device } = given(rightsOf('bridge', { publish: ['trucks/+/gps'] }));
    device.publish('trucks/t-2/gps', POSITION);
    device.publish('osmand/t-2', 'lat=1&lon=2');
    await settled();
    expect(keys(bench)).toEqual(['t-2']);
    expect(
      bench.sink.log
        .find(({ topic }) => topic === 'truck_gps')
        ?.headers.get('principal')
        ?.toString(),
    ).toBe('User:bridge');
    expect(bench.balance()).toMatchObject({ appended: 1, refused: 1 });
  });

  test('of its own that cannot be decoded is a dead letter that says who sent it', async () => {
    const { bench, device } = given();
    device.publish('trucks/t-1/gps', 'nonsense');
    await settled();
    expect(bench.sink.log[0]?.topic).toBe('dead_letters');
    expect(bench.sink.log[0]?.headers.get('principal')?.toString()).toBe('User:t-1');
  });
});
