import { type Decoded, decoders, encodePosition, type Position, readPosition, REJECTION_REASONS } from '../index.ts';

const receivedAtMs = Date.parse('2026-11-22T10:00:00Z');
const decode = (format: keyof typeof decoders, payload: string | Buffer): Decoded =>
  decoders[format](Buffer.from(payload as string), { truckId: 't-1', receivedAtMs });

function position(decoded: Decoded): Position {
  if (decoded.kind !== 'position') throw new Error(`expected a position, saw ${JSON.stringify(decoded)}`);
  return decoded.position;
}
const valueOf = (decoded: Decoded): string => encodePosition(position(decoded)).toString();

describe('milepost', () => {
  test('latitude and longitude suffice; the time is then the receive time', () => {
    expect(valueOf(decode('milepost', '{"lat":60.17,"lon":24.94}'))).toBe(
      '{"truckId":"t-1","ts":"2026-11-22T10:00:00Z","lat":60.17,"lon":24.94,"source":"milepost"}',
    );
  });

  test('every canonical field is decoded, and a consumer reads the same position back', () => {
    const text =
      '{"ts":"2026-11-22T09:59:58.5+02:00","lat":57.7,"lon":11.9,"speedKmh":52.5,"headingDeg":271,"altitudeM":-3,' +
      '"accuracyM":4,"ignition":false,"odometerM":123456789,"fuelPct":0,"batteryPct":100,"driver":"unknown field"}';
    const decoded = decode('milepost', text);
    expect(position(decoded)).toEqual({
      truckId: 't-1',
      ts: '2026-11-22T09:59:58.5+02:00',
      lat: 57.7,
      lon: 11.9,
      speedKmh: 52.5,
      headingDeg: 271,
      altitudeM: -3,
      accuracyM: 4,
      ignition: false,
      odometerM: 123456789,
      fuelPct: 0,
      batteryPct: 100,
      source: 'milepost',
      other: { driver: 'unknown field' },
    });
    expect(readPosition(valueOf(decoded))).toEqual(position(decoded));
  });

  test.each([
    ['52.10', '4.30'],
    ['60.170000000000001', '-0.0000001'],
    ['-0', '0.0'],
    ['1e1', '1.5E+2'],
    ['6.017e1', '24.940000000000001234567890123456789'],
    ['0.1000000000000000055511151231257827', '179.99999999999999'],
    ['-12.345678901234', '0.000001'],
    ['9', '0.0000010'],
  ])('a position keeps every digit: %s, %s', (lat, lon) => {
    for (const payload of [`{"lat":${lat},"lon":${lon}}`, `{ "lat" : ${lat} ,\n"lon":\t${lon}\n}`]) {
      expect(valueOf(decode('milepost', payload))).toContain(`"lat":${lat},"lon":${lon},`);
    }
  });

  test('digits in strings and escapes do not confuse the search for unusual numbers', () => {
    const value = valueOf(decode('milepost', '{"note":"a\\"1.0","x\\\\":"2.50","lat":1.50,"lon":2.5}'));
    expect(value).toContain('"lat":1.50,"lon":2.5,');
  });

  test('the device time is kept as it was sent, whatever its form', () => {
    for (const ts of [
      '2026-11-22T09:00:00.123456789Z',
      '2026-11-22 09:00',
      '2026-11-22T11:00:00+02:00',
      '2026-11-22',
    ]) {
      expect(position(decode('milepost', `{"lat":1,"lon":2,"ts":"${ts}"}`)).ts).toBe(ts);
    }
  });

  test('a numeric time is seconds or milliseconds', () => {
    expect(position(decode('milepost', '{"lat":1,"lon":2,"ts":1763805600}')).ts).toBe('2025-11-22T10:00:00Z');
    expect(position(decode('milepost', '{"lat":1,"lon":2,"ts":1763805600250}')).ts).toBe('2025-11-22T10:00:00.250Z');
  });

  test.each([
    ['1999-12-31T23:59:59Z', 'implausible'],
    ['2000-01-01T00:00:00Z', 'plausible'],
    ['2026-11-22T11:00:00Z', 'plausible'],
    ['2026-11-22T11:00:00.001Z', 'implausible'],
  ])('a clock at %s is %s, and the position is accepted', (ts, clock) => {
    expect(decode('milepost', `{"lat":1,"lon":2,"ts":"${ts}"}`)).toMatchObject({ kind: 'position', clock });
  });

  test.each([
    ['', 'empty', 'an empty payload'],
    ['{"lat":NaN,"lon":4}', 'malformed', 'NaN'],
    ['{"lat":60.17', 'malformed', 'JSON object'],
    ['[1,2]', 'malformed', '[1,2]'],
    ['null', 'malformed', 'null'],
    ['{"lon":4}', 'missing-field', 'lat: expected a number, saw nothing'],
    ['{"lat":null,"lon":4}', 'missing-field', 'lat'],
    ['{"lat":91,"lon":4}', 'out-of-range', 'lat: expected a number from -90 to 90, saw 91'],
    ['{"lat":1,"lon":-180.00000000000001e1}', 'out-of-range', 'saw -180.00000000000001e1'],
    ['{"lat":1,"lon":1e999}', 'out-of-range', 'lon'],
    ['{"lat":"60.17N","lon":4}', 'wrong-type', 'lat: expected a number from -90 to 90, saw "60.17N"'],
    ['{"lat":5742.4296,"lon":1158.0074}', 'out-of-range', 'lat: expected a number from -90 to 90, saw 5742.4296'],
    ['[]', 'empty', 'an empty list'],
    ['{"lat":1,"lon":2}\n{"lat":', 'malformed', 'JSON object'],
    ['{"lat":1,"lon":2,"ts":"yesterday"}', 'unreadable-time', 'saw "yesterday"'],
    ['{"lat":1,"lon":2,"ts":"2026-02-29T10:00:00Z"}', 'unreadable-time', '2026-02-29'],
    ['{"lat":1,"lon":2,"ts":""}', 'unreadable-time', 'saw ""'],
    ['{"lat":1,"lon":2,"ts":true}', 'unreadable-time', 'saw true'],
    ['{"lat":1,"lon":2,"ts":1e300}', 'unreadable-time', 'saw 1e+300'],
    ['{"__proto__":{"lat":1,"lon":2}}', 'missing-field', 'lat'],
  ])('%s is rejected: %s', (payload, reason, detail) => {
    const decoded = decode('milepost', payload);
    expect(decoded).toMatchObject({ kind: 'rejected', reason });
    expect((decoded as { detail: string }).detail).toContain(detail);
    expect(REJECTION_REASONS).toContain(reason);
  });

  test('a document of megabytes is not even parsed', () => {
    const payload = `{"lat":1,"lon":2,"note":"${'x'.repeat(70_000)}"}`;
    expect(decode('milepost', payload)).toMatchObject({ reason: 'too-large' });
  });
});

describe('owntracks', () => {
  const location =
    '{"_type":"location","lat":57.70,"lon":11.97,"tst":1763805600,"vel":36,"cog":90,"acc":5,"alt":12,"batt":80}';

  test('a location becomes a position, seconds become ISO', () => {
    expect(valueOf(decode('owntracks', location))).toBe(
      '{"truckId":"t-1","ts":"2025-11-22T10:00:00Z","lat":57.70,"lon":11.97,"speedKmh":36,"headingDeg":90,' +
        '"altitudeM":12,"accuracyM":5,"batteryPct":80,"source":"owntracks"}',
    );
  });

  test('-1 means not known', () => {
    const phone = '{"_type":"location","lat":1,"lon":2,"tst":1763805600,"vel":-1,"cog":-1,"acc":-1,"batt":-1}';
    expect(Object.keys(position(decode('owntracks', phone)))).toEqual(['truckId', 'ts', 'lat', 'lon', 'source']);
  });

  test('a last will is a status', () => {
    expect(decode('owntracks', '{"_type":"lwt","tst":1763805600}')).toEqual({
      kind: 'status',
      status: { truckId: 't-1', status: 'lastWill', ts: '2025-11-22T10:00:00Z', source: 'owntracks' },
    });
  });

  test.each(['waypoint', 'card', 'encrypted'])('%s is rejected as not a position', (type) => {
    expect(decode('owntracks', `{"_type":"${type}","tst":1763805600}`)).toMatchObject({
      kind: 'rejected',
      reason: 'not-a-position',
    });
  });

  test('a payload without a type is rejected', () => {
    expect(decode('owntracks', '{"lat":1,"lon":2}')).toMatchObject({ kind: 'rejected', reason: 'not-a-position' });
  });
});
