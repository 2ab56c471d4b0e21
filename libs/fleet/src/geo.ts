// Distances, directions and boxes on a spherical Earth: good to 0.5 % anywhere, which is finer than a truck's GPS over
// the distances of a geofence.

export interface Point {
  readonly lat: number;
  readonly lon: number;
}
/** GeoJSON's order. */
export type LonLat = readonly [lon: number, lat: number];
/** west > east: the box crosses the 180th meridian. */
export interface Box {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

const EARTH_RADIUS_M = 6_371_008.8; // mean radius (IUGG)
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Great-circle distance (haversine: exact for near points too). */
export function distanceM(a: Point, b: Point): number {
  const halfLat = Math.sin(radians(b.lat - a.lat) / 2);
  const halfLon = Math.sin(radians(b.lon - a.lon) / 2);
  const h = halfLat ** 2 + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * halfLon ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** The initial direction, 0 <= degrees < 360, clockwise from north. 0 if both points are the same. */
export function bearingDeg(from: Point, to: Point): number {
  const lon = radians(to.lon - from.lon);
  const east = Math.sin(lon) * Math.cos(radians(to.lat));
  const north =
    Math.cos(radians(from.lat)) * Math.sin(radians(to.lat)) -
    Math.sin(radians(from.lat)) * Math.cos(radians(to.lat)) * Math.cos(lon);
  return ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360;
}

export function isInBox({ lat, lon }: Point, { west, south, east, north }: Box): boolean {
  const between = west <= east ? lon >= west && lon <= east : lon >= west || lon <= east;
  return between && lat >= south && lat <= north;
}

/** The smallest box around the points that does not cross the 180th meridian; undefined around none. */
export function boxAround(points: Iterable<Point>): Box | undefined {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { lat, lon } of points) {
    [west, east] = [Math.min(west, lon), Math.max(east, lon)];
    [south, north] = [Math.min(south, lat), Math.max(north, lat)];
  }
  return west <= east ? { west, south, east, north } : undefined;
}
