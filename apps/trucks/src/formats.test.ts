import { publicationOf } from './formats.ts';

const fix = {
  truckId: 'truck-001',
  tsMs: Date.UTC(2026, 0, 1),
  lat: 57.7,
  lon: 11.97,
  speedKmh: 52.4,
  headingDeg: 0,
  odometerM: 120_000,
};

test('our own format carries every field under its own name', () => {
  const { topic, payload } = publicationOf(fix, 'milepost');
  expect(topic).toBe('trucks/truck-001/gps');
  expect(JSON.parse(payload)).toEqual({
    lat: 57.7,
    lon: 11.97,
    ts: '2026-01-01T00:00:00.000Z',
    speedKmh: 52.4,
    headingDeg: 0,
    odometerM: 120_000,
  });
});

test('OwnTracks counts in seconds and omits zeros', () => {
  const { topic, payload } = publicationOf(fix, 'owntracks');
  expect(topic).toBe('owntracks/truck/001');
  expect(JSON.parse(payload)).toEqual({
    _type: 'location',
    lat: 57.7,
    lon: 11.97,
    tst: Date.UTC(2026, 0, 1) / 1_000,
    tid: '01',
    conn: 'm',
    vel: 52,
  });
});
