// Reads and checks areas and lines of users: GeoJSON polygons, also inside features, and circles. A polygon that is
// wrong is refused with the place of the mistake, before it can raise a false alert.
import type { LonLat } from '@milepost/fleet';
import { unwrappedRings } from './area.ts';
import type { Area, PolygonRings } from './rule.ts';
import { RuleInvalid } from './rule-invalid.ts';

/** Limits the cost of a position, and of the check for rings that cross themselves, which compares all edges. */
export const MOST_POINTS = 2_000;
const MOST_RADIUS_M = 5_000_000;

export function readArea(field: string, value: unknown): Area {
  const area = areaOf(field, value);
  if (area.type !== 'Circle') checkPolygons(field, area);
  return area;
}

export function readLine(field: string, value: unknown): readonly LonLat[] {
  const geometry = objectOf(value);
  const isLine = geometry?.['type'] === 'LineString';
  const line = readPoints(isLine ? `${field}.coordinates` : field, isLine ? geometry['coordinates'] : value);
  if (line.length < 2) throw new RuleInvalid(field, 'at least 2 points', `${line.length}`);
  if (line.length > MOST_POINTS) throw new RuleInvalid(field, `at most ${MOST_POINTS} points`, `${line.length}`);
  return line;
}

function areaOf(field: string, value: unknown): Area {
  const object = objectOf(value);
  switch (object?.['type']) {
    case 'Polygon':
      return { type: 'Polygon', coordinates: readRings(`${field}.coordinates`, object['coordinates']) };
    case 'MultiPolygon': {
      const parts = listOf(`${field}.coordinates`, object['coordinates'], 'a list of polygons');
      return {
        type: 'MultiPolygon',
        coordinates: parts.map((part, n) => readRings(`${field}.coordinates[${n}]`, part)),
      };
    }
    case 'Circle': {
      const radiusM = object['radiusM'];
      if (typeof radiusM !== 'number' || !(radiusM > 0 && radiusM <= MOST_RADIUS_M))
        throw new RuleInvalid(`${field}.radiusM`, `meters, more than 0 and at most ${MOST_RADIUS_M}`, radiusM);
      return { type: 'Circle', center: readPoint(`${field}.center`, object['center']), radiusM };
    }
    case 'Feature':
      return areaOf(`${field}.geometry`, object['geometry']);
    case 'FeatureCollection':
      return collected(field, listOf(`${field}.features`, object['features'], 'a list of features'));
    default:
      throw new RuleInvalid(field, AREAS, value);
  }
}

const AREAS =
  'GeoJSON (Polygon, MultiPolygon, Feature, FeatureCollection) or {"type":"Circle","center":[lon,lat],"radiusM":500}';

/** All polygons of a collection are one area. */
function collected(field: string, features: readonly unknown[]): Area {
  const polygons = features.flatMap((feature, n) => {
    const area = areaOf(`${field}.features[${n}]`, feature);
    if (area.type === 'Circle')
      throw new RuleInvalid(`${field}.features[${n}]`, 'polygons in a collection', 'a circle');
    return area.type === 'Polygon' ? [area.coordinates] : area.coordinates;
  });
  const [only, ...others] = polygons;
  return only && others.length === 0
    ? { type: 'Polygon', coordinates: only }
    : { type: 'MultiPolygon', coordinates: polygons };
}

function readRings(field: string, value: unknown): PolygonRings {
  const rings = listOf(field, value, 'a list of rings');
  if (rings.length === 0) throw new RuleInvalid(field, 'at least one ring', '[]');
  return rings.map((ring, n) => readRing(`${field}[${n}]`, ring));
}

function readRing(field: string, value: unknown): readonly LonLat[] {
  const ring = readPoints(field, value);
  const distinct = new Set(ring.map(String)).size;
  if (distinct < 3) throw new RuleInvalid(field, 'at least 3 different points', `${distinct}`);
  const [first, last] = [ring[0], ring.at(-1)];
  if (String(first) !== String(last))
    throw new RuleInvalid(field, `a closed ring, whose last point is its first, ${JSON.stringify(first)}`, last);
  return ring;
}

function readPoints(field: string, value: unknown): readonly LonLat[] {
  const points = listOf(field, value, 'a list of points [lon, lat]');
  if (points.length > MOST_POINTS + 1)
    throw new RuleInvalid(field, `at most ${MOST_POINTS} points`, `${points.length}`);
  return points.map((point, n) => readPoint(`${field}[${n}]`, point));
}

/** GeoJSON allows an altitude as third number, which is dropped. */
function readPoint(field: string, value: unknown): LonLat {
  const [lon, lat] = Array.isArray(value) && (value.length === 2 || value.length === 3) ? (value as unknown[]) : [];
  if (typeof lon !== 'number' || typeof lat !== 'number') throw new RuleInvalid(field, '[lon, lat] in degrees', value);
  if (!(lon >= -180 && lon <= 180))
    throw new RuleInvalid(field, 'a longitude from -180 to 180 (190 is written -170)', lon);
  if (!(lat >= -90 && lat <= 90)) throw new RuleInvalid(field, 'a latitude from -90 to 90', lat);
  return [lon, lat];
}

function checkPolygons(field: string, area: Exclude<Area, { type: 'Circle' }>): void {
  const polygons = area.type === 'Polygon' ? [area.coordinates] : area.coordinates;
  if (polygons.length === 0) throw new RuleInvalid(field, 'at least one polygon', 'none');
  const points = polygons.flat().reduce((sum, ring) => sum + ring.length - 1, 0);
  if (points > MOST_POINTS) throw new RuleInvalid(field, `at most ${MOST_POINTS} points`, `${points}`);
  for (const rings of polygons) checkPolygon(field, rings);
}

function checkPolygon(field: string, rings: PolygonRings): void {
  const all = unwrappedRings(rings);
  for (const ring of all) {
    const turn = (ring.at(-1)?.[0] ?? 0) - (ring[0]?.[0] ?? 0);
    if (Math.abs(turn) > 180) throw new RuleInvalid(field, 'an area without a pole inside', 'a ring around a pole');
  }
  const crossing = crossingOf(all.flatMap(edgesOf));
  if (crossing)
    throw new RuleInvalid(
      field,
      'rings that cross neither themselves nor each other',
      `a crossing near ${JSON.stringify(crossing)}`,
    );
  if (all.some((ring) => signedArea(ring) === 0))
    throw new RuleInvalid(field, 'rings that enclose an area', 'points on one line');
}

type Edge = readonly [from: LonLat, to: LonLat];
const edgesOf = (ring: readonly LonLat[]): Edge[] => ring.slice(1).map((to, n): Edge => [ring[n] as LonLat, to]);

const signedArea = (ring: readonly LonLat[]): number =>
  edgesOf(ring).reduce((sum, [[fromX, fromY], [toX, toY]]) => sum + fromX * toY - toX * fromY, 0);

/** The start of an edge that another one crosses. Edges that only touch do not cross: GeoJSON allows that of rings. */
function crossingOf(edges: readonly Edge[]): LonLat | undefined {
  const sorted = edges.toSorted((a, b) => west(a) - west(b));
  for (const [n, edge] of sorted.entries())
    for (let other = n + 1; other < sorted.length; other++) {
      const next = sorted[other] as Edge;
      if (west(next) > Math.max(edge[0][0], edge[1][0])) break;
      if (cross(edge, next)) return edge[0];
    }
  return undefined;
}

const west = ([from, to]: Edge): number => Math.min(from[0], to[0]);

function cross([a, b]: Edge, [c, d]: Edge): boolean {
  const apart = (p: LonLat, q: LonLat, one: LonLat, two: LonLat): boolean =>
    Math.sign(sideOf(p, q, one)) * Math.sign(sideOf(p, q, two)) < 0;
  return apart(a, b, c, d) && apart(c, d, a, b);
}

const sideOf = ([px, py]: LonLat, [qx, qy]: LonLat, [x, y]: LonLat): number =>
  (qx - px) * (y - py) - (qy - py) * (x - px);

const objectOf = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;

function listOf(field: string, value: unknown, expected: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new RuleInvalid(field, expected, value);
  return value as unknown[];
}
