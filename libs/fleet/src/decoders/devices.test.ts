// Payloads of real devices, and how they are decoded. Test vectors of a format's own documentation are marked.
import { gzipSync, deflateSync } from 'node:zlib';
import { type Decoded, type DecodedItem, type DecoderName, decoders, encodePosition, type Position } from '../index.ts';

const receivedAtMs = Date.parse('2026-11-22T10:00:00Z');
const T = receivedAtMs / 1000 - 5 * 3600; // stored for five hours
const ISO = '2026-11-22T05:00:00Z';
const decode = (format: DecoderName, payload: string | Buffer, truckId = 't-1'): Decoded =>
  decoders[format](Buffer.from(payload as string), { truckId, receivedAtMs });
const itemsOf = (decoded: Decoded): readonly DecodedItem[] => (decoded.kind === 'batch' ? decoded.items : [decoded]);
const positions = (decoded: Decoded): Position[] =>
  itemsOf(decoded).map((item) => {
    if (item.kind !== 'position') throw new Error(`expected a position, saw ${JSON.stringify(item)}`);
    return item.position;
  });
const one = (decoded: Decoded): Position => {
  const all = positions(decoded);
  expect(all).toHaveLength(1);
  return all[0] as Position;
};

describe('a position in plain JSON', () => {
  test.each([
    { latitude: 57.7, longitude: 11.9, timestamp: T },
    { lat: 57.7, lng: 11.9, time: ISO },
    { Lat: '57.7', LONG: '11.9', tst: T * 1000 },
    { lat: 57.7, lon: 11.9, ts: String(T) },
    { lat: 57.7, lon: 11.9, ts: T * 1_000_000 },
    { lat: 57.7, lon: 11.9, date_time: ISO },
    { latitude_i: 577_000_000, longitude_i: 119_000_000, time: T },
    { type: 'Feature', geometry: { type: 'Point', coordinates: [11.9, 57.7] }, properties: { ts: T } },
  ])('is understood under any usual name: %j', (payload) => {
    expect(one(decode('milepost', JSON.stringify(payload)))).toMatchObject({ lat: 57.7, lon: 11.9, ts: ISO });
  });

  test('a time of five hours ago under another name is used, not the current time', () => {
    expect(one(decode('milepost', `{"lat":1,"lon":2,"timestamp":${T}}`)).ts).toBe(ISO);
    expect(decode('milepost', '{"lat":1,"lon":2,"timestamp":"soon"}')).toMatchObject({ reason: 'unreadable-time' });
  });

  test('an impossible optional field is dropped and named; the position remains', () => {
    const decoded = decode(
      'milepost',
      '{"lat":1,"lon":2,"headingDeg":361,"speed":-1,"batteryPct":101,"ignition":"maybe","alt":5}',
    );
    expect(decoded).toMatchObject({
      kind: 'position',
      marks: { dropped: 'speedKmh=-1, headingDeg=361, batteryPct=101, ignition=maybe' },
    });
    expect(Object.keys(one(decoded))).toEqual(['truckId', 'ts', 'lat', 'lon', 'altitudeM', 'source']);
  });

  test('fields without a canonical name are passed on, up to a kilobyte, and the rest is counted', () => {
    const position = one(decode('milepost', '{"lat":1,"lon":2,"truckId":"other","cargo":{"t":-18},"door":null}'));
    expect(position.other).toEqual({ truckId: 'other', cargo: { t: -18 } });
    expect(encodePosition(position).toString()).toMatch(
      /,"source":"milepost","other":\{"truckId":"other","cargo":\{"t":-18\}\}\}$/,
    );
    const large = decode('milepost', JSON.stringify({ lat: 1, lon: 2, note: 'x'.repeat(2000), gear: 3 }));
    expect(one(large).other).toEqual({ gear: 3 });
    expect(large).toMatchObject({ marks: { dropped: 'other=1 more fields' } });
  });

  test('a second name for the same field does not hide the canonical one', () => {
    const position = one(decode('milepost', '{"lat":1,"lon":2,"speed":10,"speedKmh":36}'));
    expect(position).toMatchObject({ speedKmh: 36, other: { speed: 10 } });
  });

  test('0,0 is accepted and marked: receivers write it without a fix', () => {
    expect(decode('milepost', '{"lat":0,"lon":0}')).toMatchObject({ kind: 'position', marks: { fix: 'none' } });
  });

  test.each([
    ['an array', '[{"lat":1,"lon":2},{"lat":3,"lon":4}]'],
    ['lines', '{"lat":1,"lon":2}\n{"lat":3,"lon":4}\n'],
    ['a list of positions', '{"positions":[{"lat":1,"lon":2},{"lat":3,"lon":4}]}'],
    ['history in front of the newest', '{"lat":3,"lon":4,"history":[{"lat":1,"lon":2}]}'],
  ])('%s gives all its positions, in order', (_, payload) => {
    expect(positions(decode('milepost', payload)).map(({ lat, lon }) => [lat, lon])).toEqual([[1, 2], [3, 4]]); // biome-ignore format: pairs
  });

  test('one bad position of a batch is rejected by itself', () => {
    expect(itemsOf(decode('milepost', '[{"lat":1,"lon":2},{"lat":99,"lon":4}]')).map(({ kind }) => kind)).toEqual([
      'position',
      'rejected',
    ]);
  });

  test.each([
    ['a byte order mark', Buffer.from('\uFEFF{"lat":1,"lon":2}')],
    ['UTF-16', Buffer.from('\uFEFF{"lat":1,"lon":2}', 'utf16le')],
    ['a trailing NUL', Buffer.from('{"lat":1,"lon":2}\0')],
    ['gzip', gzipSync('{"lat":1,"lon":2}')],
    ['zlib', deflateSync('{"lat":1,"lon":2}')],
  ])('%s around it is removed', (_, payload) => {
    expect(one(decode('milepost', payload))).toMatchObject({ lat: 1, lon: 2 });
  });

  test('a small payload that unpacks to a large one is refused', () => {
    expect(decode('milepost', gzipSync(Buffer.alloc(10_000_000, 0x20)))).toMatchObject({ reason: 'too-large' });
    expect(decode('milepost', gzipSync('{"lat":1}').subarray(0, 15))).toMatchObject({ reason: 'malformed' });
  });
});

describe('OwnTracks', () => {
  test('a negative speed means unknown, also the -3 of the app for iOS 8.3', () => {
    expect(
      one(decode('owntracks', `{"_type":"location","lat":1,"lon":2,"tst":${T},"vel":-3}`)).speedKmh,
    ).toBeUndefined();
  });

  test('a transition is a position with its region', () => {
    const text = `{"_type":"transition","lat":1,"lon":2,"tst":${T},"event":"enter","desc":"Home","wtst":1}`;
    expect(one(decode('owntracks', text))).toMatchObject({ lat: 1, ts: ISO, other: { event: 'enter', desc: 'Home' } });
  });
});

describe('platforms, by the positions of their fields', () => {
  test.each([
    [
      'traccar',
      {
        position: {
          fixTime: ISO,
          valid: true,
          latitude: 57.7,
          longitude: 11.9,
          altitude: 12,
          speed: 20,
          course: 84,
          accuracy: 5,
          attributes: { ignition: true, odometer: 123456, batteryLevel: 80, fuelLevel: 40 },
        },
        device: { id: 7, uniqueId: 'van-7' },
      },
      {
        truckId: 'van-7',
        speedKmh: 37.04,
        headingDeg: 84,
        odometerM: 123456,
        ignition: true,
        batteryPct: 80,
        fuelPct: 40,
      },
    ],
    [
      'traccar-client',
      {
        location: {
          timestamp: ISO,
          coords: { latitude: 57.7, longitude: 11.9, speed: 11.1, heading: 84 },
          battery: { level: 0.8 },
        },
        device_id: 'phone',
      },
      { truckId: 'phone', speedKmh: 39.96, batteryPct: 80 },
    ],
    [
      'teltonika',
      {
        state: {
          reported: { ts: T * 1000, latlng: '57.7,11.9', alt: '12', ang: 84, sp: 41, '239': 1, '16': '123456' },
        },
      },
      { truckId: 't-1', speedKmh: 41, ignition: true, odometerM: 123456, altitudeM: 12 },
    ],
    [
      'hfp',
      {
        VP: {
          oper: 18,
          veh: 423,
          tst: '2026-11-22T05:00:00Z',
          spd: 10,
          hdg: 84,
          lat: 57.7,
          long: 11.9,
          acc: 0.1,
          odo: 2819,
        },
      },
      { truckId: '18-423', speedKmh: 36, headingDeg: 84, odometerM: 2819 },
    ],
    [
      'ttn',
      {
        end_device_ids: { device_id: 'tag' },
        uplink_message: { decoded_payload: { latitude: 57.7, longitude: 11.9 }, settings: { time: ISO } },
      },
      { truckId: 'tag' },
    ],
    [
      'chirpstack',
      {
        deviceInfo: { devEui: '01', deviceName: 'tag' },
        time: ISO,
        object: { gps: { latitude: 57.7, longitude: 11.9 } },
        rxInfo: [{ location: { latitude: 1, longitude: 2 } }],
      },
      { truckId: 'tag' },
    ],
    [
      'meshtastic',
      { from: 2130636288, payload: { latitude_i: 577000000, longitude_i: 119000000, time: T } },
      { truckId: '2130636288' },
    ],
    [
      'tasmota',
      { Time: '2026-11-22T05:00:00Z', GPS: { lat: 57.7, lon: 11.9, hAcc: 5 } },
      { truckId: 't-1', accuracyM: 5 },
    ],
  ] as const)('%s', (format, payload, expected) => {
    expect(one(decode(format, JSON.stringify(payload)))).toMatchObject({
      lat: 57.7,
      lon: 11.9,
      ts: ISO,
      source: format,
      ...expected,
    });
  });

  test('OsmAnd as a query string, speed in knots', () => {
    const query = `id=van-7&timestamp=${T}&lat=57.7&lon=11.9&speed=20&bearing=84&altitude=12&batt=80`;
    expect(one(decode('osmand', query))).toMatchObject({
      truckId: 'van-7',
      lat: 57.7,
      ts: ISO,
      speedKmh: 37.04,
      batteryPct: 80,
    });
  });

  test('an invalid position of Traccar, and a device whose name is not a truck id, are marked', () => {
    const payload = {
      position: { fixTime: ISO, valid: false, latitude: 1, longitude: 2 },
      device: { uniqueId: 'van 7' },
    };
    expect(decode('traccar', JSON.stringify(payload))).toMatchObject({ marks: { fix: 'none', device: 'van 7' } });
  });

  test('a platform that names no device is rejected', () => {
    expect(decode('traccar', `{"position":{"latitude":1,"longitude":2}}`)).toMatchObject({ reason: 'missing-field' });
  });
});

describe('Teltonika as bytes: the examples of its wiki, "Codec"', () => {
  test('Codec 8', () => {
    const bytes = Buffer.from(
      '000000000000003608010000016B40D8EA30010000000000000000000000000000000105021503010101425E0F01F10000601A014E0000000000000000010000C7CF',
      'hex',
    );
    const decoded = decode('teltonika', bytes);
    expect(one(decoded)).toMatchObject({ ts: '2019-06-10T10:04:46Z', lat: 0, lon: 0 });
    expect(decoded).toMatchObject({ marks: { fix: 'none' } });
  });

  test('Codec 8 Extended', () => {
    const bytes = Buffer.from(
      '000000000000004A8E010000016B412CEE000100000000000000000000000000000000010005000100010100010011001D00010010015E2C880002000B000000003544C87A000E000000001DD7E06A00000100002994',
      'hex',
    );
    expect(one(decode('teltonika', bytes))).toMatchObject({ ts: '2019-06-10T11:36:32Z', odometerM: 22949000 });
  });

  test('Codec 16, two records', () => {
    const bytes = Buffer.from(
      '000000000000005F10020000016BDBC7833000000000000000000000000000000000000B05040200010000030002000B00270042563A00000000016BDBC7871800000000000000000000000000000000000B05040200010000030002000B00260042563A00000200005FB3',
      'hex',
    );
    expect(positions(decode('teltonika', bytes)).map(({ ts }) => ts)).toEqual([
      '2019-07-10T12:06:54Z',
      '2019-07-10T12:06:55Z',
    ]);
  });

  test('a frame that was cut anywhere, or has a flipped bit, is rejected', () => {
    const bytes = Buffer.from(
      '000000000000003608010000016B40D8EA30010000000000000000000000000000000105021503010101425E0F01F10000601A014E0000000000000000010000C7CF',
      'hex',
    );
    for (let end = 8; end < bytes.length; end++)
      expect(decode('teltonika', bytes.subarray(0, end)).kind).toBe('rejected');
    for (let at = 8; at < bytes.length; at++) {
      const turned = Buffer.from(bytes);
      turned[at] = (turned[at] as number) ^ 4;
      expect(decode('teltonika', turned).kind).toBe('rejected');
    }
  });
});

describe('NMEA 0183', () => {
  test('RMC, with the altitude of the GGA of the same second', () => {
    const text =
      '$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n';
    expect(one(decode('nmea', text))).toMatchObject({
      ts: '1994-03-23T12:35:19Z',
      lat: 48.1173,
      lon: 11.5166667,
      speedKmh: 41.4848,
      headingDeg: 84.4,
      altitudeM: 545.4,
    });
  });

  test('south and west are negative; GGA alone gets the day nearest to its receipt', () => {
    const rmc = decode('nmea', '$GPRMC,225446,A,4916.45,N,12311.12,W,000.5,054.7,191194,020.3,E*68');
    expect(one(rmc)).toMatchObject({ lat: 49.2741667, lon: -123.1853333 });
    expect(one(decode('nmea', '$GPGGA,235959,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,')).ts).toBe(
      '2026-11-21T23:59:59Z',
    );
  });

  test.each([
    ['$GPRMC,225446,A,4916.45,N,12311.12,W,000.5,054.7,191194,020.3,E*67', 'malformed'],
    ['$GPRMC,225446,V,,,,,,,191194,,', 'not-a-position'],
    ['$GPRMC,225446,A,4999.45,N,12311.12,W,,,191194,,', 'out-of-range'],
    ['$GPRMC,225446,A,4916.45,N,12311.12,W,,,,,', 'unreadable-time'],
    ['$GPGSV,1,1,00', 'not-a-position'],
    ['hello', 'malformed'],
  ])('%s is rejected', (text, reason) => {
    expect(decode('nmea', text)).toMatchObject({ kind: 'rejected', reason });
  });
});

describe('Queclink', () => {
  const live =
    '+RESP:GTFRI,2C0204,862170013895931,,,00,1,1,4.3,92,70.0,121.354335,31.222073,20090214013254,0460,0000,18d8,6141,00,,20090214093254,11F0$';
  test('longitude comes before latitude, in stored reports too', () => {
    for (const text of [live, live.replace('RESP', 'BUFF')])
      expect(one(decode('queclink', text))).toMatchObject({
        lat: 31.222073,
        lon: 121.354335,
        ts: '2009-02-14T01:32:54Z',
        speedKmh: 4.3,
        headingDeg: 92,
        altitudeM: 70,
      });
    expect(one(decode('queclink', live, '')).truckId).toBe('862170013895931');
  });

  test.each([
    ['+RESP:GTHBD,2C0204,862170013895931$', 'not-a-position'],
    ['+RESP:GTFRI,2C0204,862170013895931,,,00,9,1$', 'malformed'],
    [live.slice(0, -10), 'malformed'],
    [live.replace('31.222073', '91.222073'), 'out-of-range'],
    [live.replace('20090214013254', '20090230013254'), 'unreadable-time'],
  ])('%s is rejected', (text, reason) => {
    expect(decode('queclink', text)).toMatchObject({ kind: 'rejected', reason });
  });
});

test('no decoder throws or loops for any bytes', () => {
  const seeds = [
    '{"lat":1,"lon":2,"history":[{"lat":1}]}',
    `id=1&lat=1&lon=2`,
    '$GPRMC,225446,A,4916.45,N,12311.12,W,000.5,054.7,191194,020.3,E*68',
    '+RESP:GTFRI,2C0204,8,,,00,1,1,4.3,92,70.0,121.3,31.2,20090214013254,0460,0000,18d8,6141,00,,2,1$',
    '{"state":{"reported":{"latlng":"1,2"}}}',
  ].map((text) => Buffer.from(text));
  let state = 12345;
  const below = (limit: number): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % limit;
  let kinds = 0;
  for (let round = 0; round < 4000; round++) {
    const payload = Buffer.from(seeds[below(seeds.length)] as Buffer);
    for (let n = below(6); n >= 0; n--) payload[below(payload.length)] = below(256);
    for (const format of Object.keys(decoders) as DecoderName[]) kinds += itemsOf(decode(format, payload)).length;
  }
  expect(kinds).toBeGreaterThanOrEqual(4000 * Object.keys(decoders).length);
});
