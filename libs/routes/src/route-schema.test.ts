import { readRoute, readRoutes, RouteRefused } from './route-schema.ts';

const yard = { name: 'yard', filter: 'yard/+' };
const refusalOf = (read: () => unknown): string => {
  try {
    read();
  } catch (failure) {
    if (failure instanceof RouteRefused) return failure.message;
    throw failure;
  }
  throw new Error('expected a refusal, and there was none');
};

test('what a route does not say has a default', () => {
  expect(readRoute(yard)).toEqual({
    name: 'yard',
    order: 100,
    enabled: true,
    filter: 'yard/+',
    topic: 'truck_gps',
    key: '{1}',
    decoder: 'milepost',
    headers: {},
    time: 'device',
  });
});

test.each<[object, string]>([
  [{ name: 'Yard 7' }, 'route Yard 7: name: expected up to 64 of a-z, 0-9, dot, _ and -, saw Yard 7'],
  [{ filter: 'a/#/b' }, 'route yard: filter: expected an MQTT topic filter, such as trucks/+/gps, saw a/#/b'],
  [{ filter: undefined }, 'route yard: filter: expected an MQTT topic filter, such as trucks/+/gps, saw nothing'],
  [{ topic: 'my topic' }, 'route yard: topic: expected the name of a Kafka topic, saw my topic'],
  [{ topic: '__consumer_offsets' }, 'route yard: topic: expected the name of a Kafka topic, saw __consumer_offsets'],
  [
    { topic: 'dead_letters' },
    'route yard: topic: expected another topic than truck_status, truck_alerts, truck_commands, dead_letters, saw dead_letters',
  ],
  [{ key: '{one}' }, 'route yard: key: expected levels of the MQTT topic in braces, such as {1}, saw {one}'],
  [{ key: '{5}' }, 'route yard: key: expected levels of yard/+, which counts from {0}, saw {5}'],
  [
    { filter: 'yard' },
    'route yard: key: expected the levels that name the truck, such as {1}, as milepost payloads do not name it, saw none',
  ],
  [
    { decoder: 'raw' },
    'route yard: topic: expected another topic than truck_gps for raw payloads, as its readers expect positions',
  ],
  [{ order: 1.5 }, 'route yard: order: expected a whole number from 0 to 1000000, saw 1.5'],
  [{ order: -1 }, 'route yard: order: expected a whole number from 0 to 1000000, saw -1'],
  [{ enabled: 'yes' }, 'route yard: enabled: expected true or false, saw yes'],
  [{ time: 'mine' }, 'route yard: time: expected device or gateway, saw mine'],
  [
    { headers: { 'mqtt.qos': '1' } },
    'route yard: headers: expected a name that the gateway does not use, saw mqtt.qos',
  ],
  [
    { headers: { 'a b': '1' } },
    'route yard: headers: expected names of up to 64 letters, digits, dot, _ and -, saw a b',
  ],
  [{ headers: { site: '{7}' } }, 'route yard: headers.site: expected levels of yard/+, which counts from {0}, saw {7}'],
  [
    { truckLevels: [1] },
    'route yard: truckLevels: no such setting; the settings are name, order, enabled, filter, topic, key, decoder, headers, time',
  ],
])('%j is refused in one line with the route, its setting and the cure', (wrong, message) => {
  const refusal = refusalOf(() => readRoute({ ...yard, ...wrong }));
  expect(refusal).toBe(message);
  expect(refusal).not.toContain('\n');
});

test('an unknown decoder is refused with those that there are', () => {
  const refusal = refusalOf(() => readRoute({ ...yard, decoder: 'morse' }));
  expect(refusal).toMatch(/^route yard: decoder: expected one of raw, milepost, owntracks, .*, saw morse$/);
});

const latLon = { lat: 'a', lon: 'b' };
test.each<[object, string]>([
  [{ fields: {} }, 'decoder.fields: expected lat and lon, or latLon, saw neither'],
  [{ fields: { ...latLon, latLon: 'c' } }, 'decoder.fields: expected lat and lon, or latLon, saw both'],
  [
    { fields: { ...latLon, lat: 'a..b' } },
    'decoder.fields.lat: expected a path, such as position.lat or points[0].lat, saw a..b',
  ],
  [
    { fields: { ...latLon, lat: 'a[*]' } },
    'decoder.fields.lat: expected a path, such as position.lat or points[0].lat, saw a[*]',
  ],
  [
    { fields: { ...latLon, speed: { path: 'v', unit: 'furlongs' } } },
    'decoder.fields.speed.unit: expected one of km/h, m/s, knots, mph, cm/s, ft/s, saw furlongs',
  ],
  [
    { fields: { ...latLon, ts: { path: 't', format: 'julian' } } },
    'decoder.fields.ts.format: expected one of s, ms, us, ns, iso, saw julian',
  ],
  [{ fields: { ...latLon, colour: 'c' } }, 'decoder.fields.colour: no such setting'],
  [{ format: 'xml', fields: latLon }, 'decoder.format: expected json or csv, saw xml'],
  [{ each: 'a..b', fields: latLon }, 'decoder.each: expected a path, such as points[*], saw a..b'],
  [{ format: 'csv', each: 'a[*]', fields: latLon }, 'decoder.each: is for json, saw a[*]'],
  [{ columns: ['a'], fields: latLon }, 'decoder.columns: is for csv, saw json'],
])('the declared decoder %j is refused in one line', (decoder, message) => {
  expect(refusalOf(() => readRoute({ ...yard, decoder }))).toBe(`route yard: ${message}`);
});

test('a declared decoder that names the truck needs no key', () => {
  const fields = { ...latLon, truckId: 'id' };
  expect(readRoute({ name: 'yard', filter: 'yard', decoder: { fields } })).toMatchObject({
    key: '',
    decoder: { format: 'json', fields },
  });
  expect(refusalOf(() => readRoute({ name: 'yard', filter: 'yard', decoder: { fields: latLon } }))).toContain(
    'key: expected the levels that name the truck, such as {1}, as these payloads do not name it',
  );
});

test.each([null, [], 'yard', 7])('%j is no route', (document) => {
  expect(refusalOf(() => readRoute(document))).toMatch(/^route: /);
});

test('a list of routes is read whole or refused whole', () => {
  expect(readRoutes('[{"filter":"a/+","decoder":"nmea"},{"name":"b","filter":"b/+"}]')).toMatchObject([
    { name: 'route-1', filter: 'a/+', decoder: 'nmea' },
    { name: 'b' },
  ]);
  expect(refusalOf(() => readRoutes('{'))).toBe('expected a JSON list of routes, saw {');
  expect(refusalOf(() => readRoutes('{}'))).toBe('expected a JSON list of routes, saw {}');
  expect(refusalOf(() => readRoutes('[{"name":"a","filter":"a/+"},{"name":"a","filter":"b/+"}]'))).toBe(
    'route a: name: expected each name once, saw it twice',
  );
});
