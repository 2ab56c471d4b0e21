import { BUILT_IN_ROUTES, DEFAULT_ROUTES } from './built-in-routes.ts';
import { compileRoutes, matchRoute } from './route.ts';
import { readRoute } from './route-schema.ts';

const matchOf = (definition: object, topic: string) =>
  matchRoute(compileRoutes([readRoute({ name: 'yard', ...definition })]), topic);
const taken = (topic: string): [string | undefined, string | undefined, string | undefined] => {
  const match = matchRoute(DEFAULT_ROUTES, topic);
  return match.kind === 'route' ? [match.route.name, match.truckId, match.original] : [undefined, undefined, undefined];
};

test.each([
  ['trucks/t-1/gps', 'trucks', 't-1', undefined],
  ['owntracks/ada/phone', 'owntracks', 'ada-phone', 'ada/phone'],
  ['owntracks/ada/phone/event', 'owntracks-events', 'ada-phone', 'ada/phone'],
  ['traccar/positions', 'traccar', '', undefined],
  ['/hfp/v2/journey/ongoing/vp/bus/0018/00423/2159/1', 'hfp', '0018-00423', '0018/00423'],
  ['v3/app@ttn/devices/tracker-1/up', 'ttn', 'tracker-1', undefined],
  ['msh/EU_868/2/json/LongFast/!7efeee00', 'meshtastic', '', undefined],
  ['nmea/a b', 'nmea', 'a-b-0c8a6dcc', 'a b'],
  ['$SYS/data', undefined, undefined, undefined],
  ['elsewhere', undefined, undefined, undefined],
])('%s is taken by the built-in route %s, of truck %s', (topic, route, truckId, original) => {
  const [seenRoute, seenTruck, seenOriginal] = taken(topic);
  expect([seenRoute, seenOriginal]).toEqual([route, original]);
  if (topic === 'nmea/a b') expect(seenTruck).toMatch(/^a-b-[0-9a-f]{8}$/);
  else expect(seenTruck).toBe(truckId);
});

test('every built-in route is valid, and reads back as itself', () => {
  expect(BUILT_IN_ROUTES.map((route) => readRoute(route))).toEqual(BUILT_IN_ROUTES);
});

test('the first enabled route in the order takes a publish', () => {
  const routes = compileRoutes([
    readRoute({ name: 'c', filter: 'a/+', order: 3 }),
    readRoute({ name: 'b', filter: 'a/#', order: 2, key: '{0}' }),
    readRoute({ name: 'a', filter: 'a/+', order: 1, enabled: false }),
  ]);
  expect(routes.map(({ name }) => name)).toEqual(['b', 'c']);
  expect(matchRoute(routes, 'a/1')).toMatchObject({ route: { name: 'b' } });
});

test.each([
  ['{1}', 'yard/t-7/position', 't-7', undefined],
  ['fleet-{1}', 'yard/t-7/position', 'fleet-t-7', 't-7'],
  ['{2}.{1}', 'yard/t-7/position', 'position.t-7', 'position/t-7'],
  ['gate', 'yard/t-7/position', 'gate', undefined],
])('the key %s of %s is %s', (key, topic, truckId, original) => {
  expect(matchOf({ filter: 'yard/+/+', key }, topic)).toMatchObject({ kind: 'route', truckId, original });
});

test('a topic with nothing at a level of the key names no truck', () => {
  expect(matchOf({ filter: 'yard/+' }, 'yard/')).toMatchObject({ kind: 'no-truck-id' });
  expect(matchOf({ filter: 'yard/#', key: '{2}' }, 'yard/1')).toMatchObject({ kind: 'no-truck-id' });
});

test('additional headers have constant texts and levels of the topic', () => {
  const match = matchOf({ filter: '+/yard/#', headers: { site: '{0}', fleet: 'north-{2}' } }, 'gbg/yard/t-7');
  const headers = match.kind === 'route' ? match.headers : new Map<string, Buffer>();
  expect([...headers].map(([name, value]) => [name, value.toString()])).toEqual([
    ['site', 'gbg'],
    ['fleet', 'north-t-7'],
  ]);
});

test("with the gateway's time, the device's does not count, not even one that cannot be read", () => {
  const [route] = compileRoutes([readRoute({ name: 'yard', filter: 'yard/+', time: 'gateway' })]);
  const receivedAtMs = Date.parse('2026-11-22T10:00:00Z');
  for (const ts of ['"2001-01-01T00:00:00Z"', '"soon"', '17']) {
    const decoded = route?.decode?.(Buffer.from(`{"lat":1,"lon":2,"ts":${ts}}`), { truckId: 't-7', receivedAtMs });
    expect(decoded).toMatchObject({ clock: 'plausible', position: { ts: '2026-11-22T10:00:00Z' } });
  }
});
