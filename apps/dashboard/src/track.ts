// A truck's track from..to, read back from the log: from the first record received at or after `from` to the end,
// because positions that were stored offline arrive late; then those taken within from..to, in order of their time.
import { believedTime, type PositionReader } from '@milepost/fleet';
import { TRUCK_GPS } from '@milepost/streams';
import type { TruckLog } from './truck-log.ts';
import type { Track } from './views.ts';

/** A line with more points than a screen has pixels is thinned, evenly. */
export const trackPointsLimit = 10_000;
/** A day of a truck that reports every second; beyond it the newest are retained. */
const positionsLimit = 100_000;

export interface TrackSource {
  readonly log: TruckLog;
  readonly positions: PositionReader;
}

interface Point {
  readonly timeMs: number;
  readonly lonLat: readonly [number, number];
  readonly speedKmh: number | null;
}

export async function readTrack(
  { log, positions }: TrackSource,
  truckId: string,
  fromMs: number,
  toMs: number,
): Promise<Track> {
  const points = inOrder(await pointsOf({ log, positions }, truckId, fromMs, toMs));
  const shown = thinned(points);
  return {
    type: 'Feature',
    id: truckId,
    geometry: shown.length < 2 ? null : { type: 'LineString', coordinates: shown.map(({ lonLat }) => lonLat) },
    properties: {
      truckId,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      positions: points.length,
      coordinateProperties: {
        times: shown.map(({ timeMs }) => new Date(timeMs).toISOString()),
        speedsKmh: shown.map(({ speedKmh }) => speedKmh),
      },
    },
  };
}

async function pointsOf(
  { log, positions }: TrackSource,
  truckId: string,
  fromMs: number,
  toMs: number,
): Promise<Point[]> {
  const key = Buffer.from(truckId);
  const points: Point[] = [];
  for await (const records of log.read({ topic: TRUCK_GPS, key: truckId, fromMs })) {
    await positions.prepare(records);
    for (const record of records) {
      const position = record.key?.equals(key) ? positions.read(record.value) : undefined;
      if (!position) continue;
      const { timeMs } = believedTime(position.ts, record.timestamp);
      if (timeMs < fromMs || timeMs > toMs) continue;
      points.push({ timeMs, lonLat: [position.lon, position.lat], speedKmh: position.speedKmh ?? null });
      if (points.length > positionsLimit) points.shift();
    }
  }
  return points;
}

/** In order of time, without duplicates. */
function inOrder(points: Point[]): Point[] {
  const sorted = points.toSorted((a, b) => a.timeMs - b.timeMs);
  return sorted.filter(({ timeMs, lonLat }, i) => {
    const before = sorted[i - 1];
    return before?.timeMs !== timeMs || before.lonLat[0] !== lonLat[0] || before.lonLat[1] !== lonLat[1];
  });
}

function thinned(points: Point[]): Point[] {
  const every = Math.ceil(points.length / trackPointsLimit);
  return every <= 1 ? points : points.filter((_, i) => i % every === 0 || i === points.length - 1);
}
