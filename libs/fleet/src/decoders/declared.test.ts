// Decoders that operators declare, on sample payloads of public documentation, field by field.
import { deflateSync, gzipSync } from 'node:zlib';
import { decoders, type Decoded, type DecodedItem, declaredDecoder, type DeclaredDecoder } from '../index.ts';

const receivedAtMs = Date.parse('2026-11-22T10:00:00Z');
const decode = (declared: Partial<DeclaredDecoder>, payload: string | Buffer): Decoded =>
  declaredDecoder('yard', { format: 'json', fields: {}, ...declared })(Buffer.from(payload as string), {
    truckId: 't-1',
    receivedAtMs,
  });
const itemsOf = (decoded: Decoded): readonly DecodedItem[] => (decoded.kind === 'batch' ? decoded.items : [decoded]);
const positionsOf = (decoded: Decoded) =>
  itemsOf(decoded).map((item) => (item.kind === 'position' ? item.position : item));
const text = (document: unknown): string => JSON.stringify(document);

const TTN = {
  end_device_ids: { device_id: 'tracker-7', application_ids: { application_id: 'app' } },
  received_at: '2026-11-22T09:59:58.123Z',
  uplink_message: {
    f_port: 1,
    decoded_payload: { lat: 57.7072, lng: 11.9668, alt: 12.5, bat_mv: 3900, speed: 12.5 },
    rx_metadata: [{ location: { latitude: 1, longitude: 2 } }, { location: { latitude: 3, longitude: 4 } }],
  },
};
const CHIRPSTACK = {
  deviceInfo: { deviceName: 'Truck 7', devEui: '0102030405060708' },
  time: '2026-11-22T09:59:58+00:00',
  object: { position: { latitudeDeg: 57.7072, longitudeDeg: 11.9668 }, batteryLevel: 0.83, ignition: 'on' },
};
const MESHTASTIC = {
  from: 2130636288,
  sender: '!7efeee00',
  timestamp: 1795341598,
  type: 'position',
  payload: { latitude_i: 577072000, longitude_i: 119668000, altitude: 12, ground_speed: 10, ground_track: 8_400_000 },
};
const HOME_ASSISTANT = {
  latitude: 57.7072,
  longitude: 11.9668,
  gps_accuracy: 30,
  battery_level: 78,
  source_type: 'gps',
};
const GEOJSON = {
  type: 'FeatureCollection',
  features: [
    {
      type: 'Feature',
      id: 'a',
      geometry: { type: 'Point', coordinates: [11.9668, 57.7072, 12] },
      properties: { t: 1795341598000 },
    },
    {
      type: 'Feature',
      id: 'b',
      geometry: { type: 'Point', coordinates: [11.97, 57.71] },
      properties: { t: 1795341608000 },
    },
  ],
};

test.each<[string, Partial<DeclaredDecoder>, unknown, readonly object[]]>([
  [
    'The Things Stack v3',
    {
      fields: {
        truckId: 'end_device_ids.device_id',
        ts: 'received_at',
        lat: 'uplink_message.decoded_payload.lat',
        lon: ['uplink_message.decoded_payload.lon', 'uplink_message.decoded_payload.lng'],
        altitude: { path: 'uplink_message.decoded_payload.alt', unit: 'ft' },
        speed: { path: 'uplink_message.decoded_payload.speed', unit: 'm/s' },
        other: { millivolts: 'uplink_message.decoded_payload.bat_mv' },
      },
    },
    TTN,
    [
      {
        truckId: 'tracker-7',
        ts: '2026-11-22T09:59:58.123Z',
        source: 'yard',
        lat: 57.7072,
        lon: 11.9668,
        altitudeM: 3.81,
        speedKmh: 45,
        other: { millivolts: 3900 },
      },
    ],
  ],
  [
    'ChirpStack v4',
    {
      fields: {
        truckId: 'deviceInfo.devEui',
        ts: { path: 'time', format: 'iso' },
        lat: 'object.position.latitudeDeg',
        lon: 'object["position"].longitudeDeg',
        battery: { path: 'object.batteryLevel', unit: 'fraction' },
        ignition: 'object.ignition',
      },
    },
    CHIRPSTACK,
    [
      {
        truckId: '0102030405060708',
        ts: '2026-11-22T09:59:58+00:00',
        source: 'yard',
        lat: 57.7072,
        lon: 11.9668,
        batteryPct: 83,
        ignition: true,
      },
    ],
  ],
  [
    'Meshtastic',
    {
      fields: {
        truckId: 'sender',
        ts: { path: 'timestamp', format: 's' },
        lat: { path: 'payload.latitude_i', unit: '1e-7deg' },
        lon: { path: 'payload.longitude_i', unit: '1e-7deg' },
        altitude: 'payload.altitude',
        speed: { path: 'payload.ground_speed', unit: 'm/s' },
        heading: { path: 'payload.ground_track', unit: '1e-5deg' },
      },
    },
    MESHTASTIC,
    [
      {
        truckId: expect.stringMatching(/^-7efeee00-[0-9a-f]{8}$/),
        ts: '2026-11-22T09:59:58Z',
        source: 'yard',
        lat: 57.7072,
        lon: 11.9668,
        altitudeM: 12,
        speedKmh: 36,
        headingDeg: 84,
      },
    ],
  ],
  [
    'Home Assistant',
    {
      fields: {
        truckId: { value: 'car' },
        lat: 'latitude',
        lon: 'longitude',
        accuracy: 'gps_accuracy',
        battery: 'battery_level',
        ignition: { value: true },
        fuel: { value: 50 },
      },
    },
    HOME_ASSISTANT,
    [
      {
        truckId: 'car',
        ts: '2026-11-22T10:00:00Z',
        source: 'yard',
        lat: 57.7072,
        lon: 11.9668,
        accuracyM: 30,
        batteryPct: 78,
        ignition: true,
        fuelPct: 50,
      },
    ],
  ],
  [
    'GeoJSON features',
    {
      each: 'features[*]',
      fields: {
        truckId: 'id',
        ts: { path: 'properties.t', format: 'ms' },
        lon: 'geometry.coordinates[0]',
        lat: 'geometry.coordinates[1]',
        altitude: 'geometry.coordinates[2]',
      },
    },
    GEOJSON,
    [
      { truckId: 'a', ts: '2026-11-22T09:59:58Z', source: 'yard', lat: 57.7072, lon: 11.9668, altitudeM: 12 },
      { truckId: 'b', ts: '2026-11-22T10:00:08Z', source: 'yard', lat: 57.71, lon: 11.97 },
    ],
  ],
  [
    'a batch of pairs below the name of its device',
    { each: 'data.points[*]', fields: { truckId: { join: ['$.fleet', '$.unit'] }, lat: '[0]', lon: '[1]', ts: '[2]' } },
    { fleet: 'north', unit: 7, data: { points: [[57.7, 11.9, 1795341598], [57.8, 11.8, 1795341608]] } }, // biome-ignore format: pairs
    [
      { truckId: 'north-7', ts: '2026-11-22T09:59:58Z', source: 'yard', lat: 57.7, lon: 11.9 },
      { truckId: 'north-7', ts: '2026-11-22T10:00:08Z', source: 'yard', lat: 57.8, lon: 11.8 },
    ],
  ],
  [
    'batches in batches, and an object of objects',
    { each: 'units[*].fixes[*]', fields: { lat: 'a', lon: 'o' } },
    { units: { x: { fixes: [{ a: 1, o: 2 }] }, y: { fixes: [{ a: 3, o: 4 }, { a: 5, o: 6 }] } } }, // biome-ignore format: pairs
    [1, 3, 5].map((lat) => ({ truckId: 't-1', ts: '2026-11-22T10:00:00Z', source: 'yard', lat, lon: lat + 1 })),
  ],
  [
    'both coordinates in one text, digits kept in numbers',
    { fields: { latLon: 'where', heading: 'dir' } },
    { where: '57.70, 11.960', dir: 0.5 },
    [
      {
        truckId: 't-1',
        ts: '2026-11-22T10:00:00Z',
        source: 'yard',
        lat: 57.7,
        lon: 11.96,
        headingDeg: 0.5,
        digits: { lat: '57.70', lon: '11.960' },
      },
    ],
  ],
])('%s', (_, declared, document, positions) => {
  expect(positionsOf(decode(declared, text(document)))).toEqual(positions);
  for (const compressed of [gzipSync(text(document)), deflateSync(text(document))])
    expect(positionsOf(decode(declared, compressed))).toEqual(positions);
});

test.each<[string, Partial<DeclaredDecoder>, string]>([
  ['lines of JSON', { fields: { lat: 'y', lon: 'x' } }, '{"y":1,"x":2}\n{"y":3,"x":4}\n'],
  ['a list', { fields: { lat: 'y', lon: 'x' } }, '[{"y":1,"x":2},{"y":3,"x":4}]'],
  ['CSV with a header', { format: 'csv', fields: { lat: 'y', lon: 'x' } }, '\uFEFFx,y\r\n2,1\r\n4,3\r\n'],
  [
    'CSV with declared columns and semicolons',
    { format: 'csv', separator: ';', columns: ['id', 'y', 'x'], fields: { lat: 'y', lon: 'x' } },
    't-9;+01;2.\n"t;9";3;004\n\n',
  ],
])('%s is a batch', (_, declared, payload) => {
  expect(positionsOf(decode(declared, payload))).toMatchObject([{ lat: 1, lon: 2 }, { lat: 3, lon: 4 }]); // biome-ignore format: pairs
});

test.each<[string, Partial<DeclaredDecoder>, string, object]>([
  ['no latitude', { fields: { lat: 'y', lon: 'x' } }, '{"x":2}', { reason: 'missing-field' }],
  [
    'no device',
    { fields: { truckId: 'id', lat: 'y', lon: 'x' } },
    '{"y":1,"x":2}',
    { reason: 'missing-field', detail: 'expected a device at id, saw none' },
  ],
  ['a text for a latitude', { fields: { lat: 'y', lon: 'x' } }, '{"y":"north","x":2}', { reason: 'wrong-type' }],
  ['a latitude of 91', { fields: { lat: 'y', lon: 'x' } }, '{"y":91,"x":2}', { reason: 'out-of-range' }],
  [
    'a time in another format',
    { fields: { lat: 'y', lon: 'x', ts: { path: 't', format: 's' } } },
    '{"y":1,"x":2,"t":"soon"}',
    { reason: 'unreadable-time', detail: 'ts: expected s since 1970, saw "soon"' },
  ],
  [
    'a number for an ISO time',
    { fields: { lat: 'y', lon: 'x', ts: { path: 't', format: 'iso' } } },
    '{"y":1,"x":2,"t":17}',
    { reason: 'unreadable-time' },
  ],
  ['nothing', { fields: { lat: 'y', lon: 'x' } }, '', { reason: 'empty' }],
  ['no JSON', { fields: { lat: 'y', lon: 'x' } }, 'y=1', { reason: 'malformed' }],
  ['a header alone', { format: 'csv', fields: { lat: 'y', lon: 'x' } }, 'x,y\n', { reason: 'empty' }],
  [
    'a list of positions that is not there',
    { each: 'points[*]', fields: { lat: 'y', lon: 'x' } },
    '{}',
    { reason: 'missing-field' },
  ],
])('%s is rejected', (_, declared, payload, rejection) => {
  expect(decode(declared, payload)).toMatchObject({ kind: 'rejected', ...rejection });
});

test('an impossible optional field is dropped and named; the position remains', () => {
  const fields = { lat: 'y', lon: 'x', speed: { path: 'v', unit: 'mph' }, valid: 'fix' } as const;
  expect(decode({ fields }, '{"y":1,"x":2,"v":-1,"fix":0}')).toMatchObject({
    kind: 'position',
    marks: { dropped: 'speedKmh=-1', fix: 'none' },
  });
});

test('a payload that unpacks beyond the limit is rejected, in either format', () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000, 0x20));
  for (const format of ['json', 'csv'] as const)
    expect(decode({ format, fields: { lat: 'y', lon: 'x' } }, bomb)).toMatchObject({ reason: 'too-large' });
});

test('members of every object are no fields', () => {
  const fields = { truckId: 'constructor.name', lat: '__proto__.y', lon: 'x' };
  expect(decode({ fields }, '{"x":2}')).toMatchObject({ kind: 'rejected', reason: 'missing-field' });
  const csv = { format: 'csv', fields: { lat: 'constructor', lon: 'x' } } as const;
  expect(decode(csv, 'y,x\n1,2\n')).toMatchObject({ kind: 'rejected', reason: 'missing-field' });
});

test('20,000 mutated payloads: no declared decoder throws, and every result is a position or a reason', () => {
  const declared = [
    {
      each: 'features[*]',
      fields: { lat: 'geometry.coordinates[1]', lon: 'geometry.coordinates[0]', ts: 'properties.t' },
    },
    {
      fields: {
        truckId: 'deviceInfo.devEui',
        lat: ['object.position.latitudeDeg'],
        lon: 'object.position.longitudeDeg',
      },
    },
    { each: '[*]', fields: { latLon: 'a', other: { b: '$.b' } } },
    { format: 'csv', fields: { lat: 'y', lon: 'x', ts: { path: 't', format: 'ms' } } },
  ] as const satisfies readonly Partial<DeclaredDecoder>[];
  const decodes = declared.map((one) => declaredDecoder('fuzz', { format: 'json', ...one }));
  const samples = [text(GEOJSON), text(CHIRPSTACK), text(TTN), 'x,y,t\n1,2,3\n"4",5,6\n'].map((one) =>
    Buffer.from(one),
  );
  const seed = 20_261_122;
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state % limit;
  };
  for (let round = 0; round < 20_000; round++) {
    const payload = Buffer.from(samples[below(samples.length)] as Buffer);
    for (let times = below(4); times >= 0; times--) payload[below(payload.length)] = below(256);
    const cut = below(3) === 0 ? payload.subarray(0, below(payload.length)) : payload;
    const decoded = decodes[below(decodes.length)]?.(cut, { truckId: 't-1', receivedAtMs });
    const kinds = itemsOf(decoded as Decoded).map(({ kind }) => kind);
    if (kinds.length === 0 || kinds.some((kind) => kind !== 'position' && kind !== 'rejected'))
      throw new Error(`seed ${seed}, round ${round}: ${JSON.stringify(decoded)}`);
  }
});

test('the declared form of a built-in format decodes as the built-in one', () => {
  const tasmota = declaredDecoder('tasmota', {
    format: 'json',
    fields: { lat: 'GPS.lat', lon: 'GPS.lon', ts: ['GPS.ts', 'Time'], accuracy: 'GPS.hAcc', altitude: 'GPS.alt' },
  });
  const payload = Buffer.from('{"Time":"2026-11-22T09:59:58","GPS":{"lat":57.70,"lon":11.9,"hAcc":5}}');
  const context = { truckId: 't-1', receivedAtMs };
  expect(tasmota(payload, context)).toEqual(decoders.tasmota(payload, context));
});
