// Areas and corridors, prepared for many positions. Edges are straight in degrees, as maps draw them. An area may cross
// the 180th meridian: each vertex is moved to the near side of the previous one, so that a ring is one piece.
import { distanceM, type LonLat, type Point } from '@milepost/fleet';
import type { Area, PolygonRings } from './rule.ts';

export type Contains = (point: Point) => boolean;

export function insideArea(area: Area): Contains {
  switch (area.type) {
    case 'Circle': {
      const [lon, lat] = area.center;
      return (point) => distanceM({ lat, lon }, point) <= area.radiusM;
    }
    case 'Polygon':
      return insidePolygon(area.coordinates);
    case 'MultiPolygon': {
      const parts = area.coordinates.map(insidePolygon);
      return (point) => parts.some((contains) => contains(point));
    }
  }
}

/** Even-odd rule over all rings, so that a point in a hole is outside. */
function insidePolygon(rings: PolygonRings): Contains {
  const unwrapped = unwrappedRings(rings);
  const outer = unwrapped[0] ?? [];
  const [west, east] = [Math.min(...outer.map(([lon]) => lon)), Math.max(...outer.map(([lon]) => lon))];
  const [south, north] = [Math.min(...outer.map(([, lat]) => lat)), Math.max(...outer.map(([, lat]) => lat))];
  return ({ lat, lon }) => {
    if (lat < south || lat > north) return false;
    const x = lon + 360 * Math.ceil((west - lon) / 360);
    if (x > east) return false;
    let inside = false;
    for (const ring of unwrapped) if (crossesOddly(x, lat, ring)) inside = !inside;
    return inside;
  };
}

/** Holes lie on the same turn around the Earth as the outer ring. */
export function unwrappedRings(rings: PolygonRings): readonly (readonly LonLat[])[] {
  const start = rings[0]?.[0]?.[0] ?? 0;
  return rings.map((ring) => unwrapped(ring, start));
}

function unwrapped(line: readonly LonLat[], start: number): LonLat[] {
  let previous = start;
  return line.map(([lon, lat]): LonLat => {
    previous += shorterTurn(lon - previous);
    return [previous, lat];
  });
}

/** -180 <= degrees < 180 */
const shorterTurn = (degrees: number): number => ((((degrees + 180) % 360) + 360) % 360) - 180;

/** Whether a ray to the east crosses the closed ring an odd number of times. */
function crossesOddly(x: number, y: number, ring: readonly LonLat[]): boolean {
  let odd = false;
  let [fromX, fromY] = ring[0] ?? [0, 0];
  for (const [toX, toY] of ring) {
    if (fromY > y !== toY > y && x < fromX + ((y - fromY) / (toY - fromY)) * (toX - fromX)) odd = !odd;
    fromX = toX;
    fromY = toY;
  }
  return odd;
}

const METERS_PER_DEGREE = 111_195;

/** Within half the width of a line. Distances are measured on a plane that touches the Earth at the point. */
export function insideCorridor(line: readonly LonLat[], widthM: number): Contains {
  const points = unwrapped(line, line[0]?.[0] ?? 0);
  const limitM = widthM / 2;
  const limitDeg = limitM / METERS_PER_DEGREE;
  return ({ lat, lon }) => {
    const metersPerLon = METERS_PER_DEGREE * Math.cos((lat * Math.PI) / 180);
    for (let n = 1; n < points.length; n++) {
      const [[fromLon, fromLat], [toLon, toLat]] = [points[n - 1] as LonLat, points[n] as LonLat];
      if (Math.min(fromLat, toLat) - limitDeg > lat || Math.max(fromLat, toLat) + limitDeg < lat) continue;
      const east = shorterTurn(fromLon - lon);
      const from: Meters = [east * metersPerLon, (fromLat - lat) * METERS_PER_DEGREE];
      const to: Meters = [(east + toLon - fromLon) * metersPerLon, (toLat - lat) * METERS_PER_DEGREE];
      if (distanceToOrigin(from, to) <= limitM) return true;
    }
    return false;
  };
}

type Meters = readonly [x: number, y: number];

/** From the segment to the point [0, 0]. */
function distanceToOrigin([fromX, fromY]: Meters, [toX, toY]: Meters): number {
  const [dx, dy] = [toX - fromX, toY - fromY];
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : Math.min(1, Math.max(0, -(fromX * dx + fromY * dy) / squared));
  return Math.hypot(fromX + along * dx, fromY + along * dy);
}
