import { CLOCK_SET_BACK_AFTER_MS, type Position } from '@milepost/fleet';
import {
  LiveTrucks,
  parseBox,
  silentAfterMs,
  stateOf,
  Trail,
  trailLimit,
  truckCollection,
  truckFeature,
} from './index.ts';

const noon = Date.UTC(2026, 0, 1, 12);

function position(tsMs: number, more: Partial<Position> = {}): Position {
  return { truckId: 't-1', ts: new Date(tsMs).toISOString(), lat: 57.7, lon: 11.97, source: 'milepost', ...more };
}

/** A record of the log, one after the other. */
let offset = 0;
const received = (receivedAtMs: number) => ({ partition: 0, offset: offset++, receivedAtMs });

function applied(...sightings: [Position, number][]): LiveTrucks {
  const live = new LiveTrucks();
  for (const [seen, receivedAtMs] of sightings) live.apply(seen, received(receivedAtMs));
  return live;
}

test('the last position is the latest by the device, in any order of the log', () => {
  const live = applied(
    [position(noon, { lat: 1 }), noon],
    [position(noon + 30_000, { lat: 3 }), noon + 31_000],
    [position(noon + 10_000, { lat: 2 }), noon + 32_000],
  );
  expect(live.get('t-1')!.position.lat).toBe(3);
  expect(live.trail('t-1').map(({ lat }) => lat)).toEqual([1, 2, 3]);
});

test('a stored burst shows that the truck is alive, though it moves no marker back', () => {
  const live = applied([position(noon), noon], [position(noon - 5_000), noon + 40_000]);
  expect(live.get('t-1')!.heardAtMs).toBe(noon + 40_000);
  expect(live.get('t-1')!.timeMs).toBe(noon);
});

test('positions of a clock that is hours behind are in its own order', () => {
  const live = applied(
    [position(noon - 7_200_000, { lat: 1 }), noon],
    [position(noon - 7_190_000, { lat: 2 }), noon + 10_000],
  );
  expect(live.get('t-1')).toMatchObject({ position: { lat: 2 }, isClockWrong: false });
});

test('a clock that is set back does not freeze its truck', () => {
  const live = applied([position(noon), noon]);
  for (let ms = 1_000; ms <= CLOCK_SET_BACK_AFTER_MS + 1_000; ms += 1_000) {
    live.apply(position(noon - 3_600_000 + ms, { lat: 2 }), received(noon + ms));
  }
  expect(live.get('t-1')!.position.lat).toBe(2);
});

test('one stored position after a long pause replaces nothing newer', () => {
  const live = applied([position(noon), noon], [position(noon - 60_000, { lat: 2 }), noon + 300_000]);
  expect(live.get('t-1')!.position.lat).toBe(57.7);
});

test('records that are reread change nothing, so that a restart may read too much', () => {
  const live = new LiveTrucks();
  const records = [position(noon), position(noon + 1_000, { lat: 2 })].map(
    (seen, at) => [seen, { partition: 0, offset: at, receivedAtMs: noon + at * 1_000 }] as const,
  );
  for (const [seen, place] of [...records, ...records]) live.apply(seen, place);
  expect(live.trail('t-1')).toHaveLength(2);
  expect(live.get('t-1')).toMatchObject({ position: { lat: 2 }, heardAtMs: noon + 1_000 });
});

test('an older range of the log, read later, never replaces newer positions', () => {
  const live = new LiveTrucks();
  live.apply(position(noon, { lat: 2 }), { partition: 0, offset: 9, receivedAtMs: noon });
  live.apply(position(noon - 600_000, { lat: 1 }), { partition: 0, offset: 8, receivedAtMs: noon - 600_000 });
  expect(live.get('t-1')).toMatchObject({ position: { lat: 2 }, heardAtMs: noon });
});

describe('a wall clock that is set', () => {
  const day = 86_400_000;
  /** The gateway's clock, by its error; the device has no clock, or a correct one. */
  const jumps = [0, day, -day, 10 * 365 * day, -20 * 365 * day, 0, 3_600_000, 0];

  test.each([
    ['has no clock', (_: number, receivedAtMs: number) => receivedAtMs],
    ['has a clock that is right', (trueMs: number) => trueMs],
  ])('ahead and back shows the position that was sent last, of a device that %s', (_, tsOf) => {
    const live = new LiveTrucks();
    let sent = 0;
    for (const jumpMs of jumps) {
      for (let second = 0; second < 10; second++) {
        const trueMs = noon + sent * 1_000;
        live.apply(position(tsOf(trueMs, trueMs + jumpMs), { lat: sent / 100 }), received(trueMs + jumpMs));
        expect(live.get('t-1')).toMatchObject({ position: { lat: sent / 100 }, heardAtMs: trueMs + jumpMs });
        expect(live.trail('t-1').at(-1)).toMatchObject({ lat: sent / 100 });
        sent++;
      }
    }
  });

  test('back lets positions that were stored meanwhile replace nothing newer', () => {
    const live = applied(
      [position(noon + day), noon + day],
      [position(noon, { lat: 2 }), noon],
      [position(noon - 600_000, { lat: 1 }), noon + 1_000],
    );
    expect(live.get('t-1')).toMatchObject({ position: { lat: 2 }, heardAtMs: noon + 1_000 });
  });

  test('back does not keep a silent truck alive', () => {
    const truck = applied([position(noon + day), noon + day]).get('t-1')!;
    expect(stateOf(truck, noon + silentAfterMs)).toBe('silent');
  });
});

test('speed and heading are derived for a device that sends neither', () => {
  const live = applied([position(noon), noon], [position(noon + 10_000, { lat: 57.701 }), noon + 10_000]);
  expect(live.get('t-1')!.speedKmh).toBeCloseTo(40, 0);
  expect(live.get('t-1')!.headingDeg).toBeCloseTo(0, 0);
  expect(applied([position(noon), noon]).get('t-1')!.speedKmh).toBeUndefined();
});

test('a truck moves, stands, or is silent', () => {
  const live = applied([position(noon, { speedKmh: 50 }), noon]);
  const truck = live.get('t-1')!;
  expect(stateOf(truck, noon)).toBe('moving');
  expect(stateOf({ ...truck, speedKmh: 1 }, noon)).toBe('stopped');
  expect(stateOf(truck, noon + silentAfterMs + 1)).toBe('silent');
});

test('a viewer requests changes since its last request', () => {
  const live = applied([position(noon), noon], [position(noon, { truckId: 't-2' }), noon]);
  const { version } = live;
  expect(live.changedSince(0)).toHaveLength(2);
  expect(live.changedSince(version)).toEqual([]);
  live.apply(position(noon + 1_000, { truckId: 't-2' }), received(noon + 1_000));
  expect(live.changedSince(version).map(({ truckId }) => truckId)).toEqual(['t-2']);
});

test('a trail is bounded and retains the newest', () => {
  const trail = new Trail();
  for (let i = 0; i < trailLimit + 10; i++) trail.add({ timeMs: i, lat: 0, lon: i });
  expect(trail.points).toHaveLength(trailLimit);
  expect(trail.points[0]!.timeMs).toBe(10);
});

test('GeoJSON has the position as sent, its height as third coordinate, and the state', () => {
  const live = applied([position(noon, { altitudeM: 12, speedKmh: 36.25, batteryPct: 80 }), noon]);
  expect(truckFeature(live.get('t-1')!, noon)).toEqual({
    type: 'Feature',
    id: 't-1',
    geometry: { type: 'Point', coordinates: [11.97, 57.7, 12] },
    properties: {
      truckId: 't-1',
      ts: '2026-01-01T12:00:00.000Z',
      source: 'milepost',
      altitudeM: 12,
      speedKmh: 36.3,
      batteryPct: 80,
      state: 'moving',
      heardAtMs: noon,
    },
  });
});

test('a box excludes trucks outside it', () => {
  const live = applied([position(noon), noon], [position(noon, { truckId: 't-2', lon: 24.94 }), noon]);
  const ids = (box: string) => truckCollection(live.all(), noon, parseBox(box)!).features.map(({ id }) => id);
  expect(ids('11,57,12,58')).toEqual(['t-1']);
  expect(ids('20,50,11.98,60')).toEqual(['t-1', 't-2']);
});

test.each(['', '1,2,3', '1,2,3,x', '11,58,12,57', '-181,0,0,1', '1,2,3,4,5', ',,,'])('"%s" is not a box', (text) => {
  expect(parseBox(text)).toBeUndefined();
});
