// Converts OpenStreetMap ways in GeoJSON (16 MB) to one compact JSON text (about 1 MB, 0.4 gzipped) for a browser to
// draw and a router to read. Coordinates are whole numbers of 1e-5 degrees (1.1 m), each point the step from the
// previous one, so that ways which meet in the source still meet here.
import { type RoadClass, roadClassOf, roadClasses } from './road-class.ts';

/** The compact text. `ways`: class, name (index into names, -1: none), limit km/h (0: unsigned), flags, steps. */
export interface CompactRoads {
  readonly format: typeof roadsFormat;
  /** ODbL: must be shown wherever the roads are. */
  readonly attribution: string;
  /** west, south, east, north, in degrees. */
  readonly bbox: readonly [number, number, number, number];
  readonly unitsPerDegree: number;
  readonly classes: readonly RoadClass[];
  readonly names: readonly string[];
  readonly ways: readonly CompactWay[];
}
export type CompactWay = readonly [
  roadClass: number,
  name: number,
  limitKmh: number,
  flags: number,
  steps: readonly number[],
];

/** Incremented when the shape changes: a cached file of another format is rebuilt. */
export const roadsFormat = 2;
export const unitsPerDegree = 1e5;
export const wayFlag = { oneway: 1, tunnel: 2, bridge: 4, link: 8, closedToTrucks: 16 } as const;

/** @throws Error when the text is not a GeoJSON FeatureCollection. */
export function compactRoads(geoJsonText: string): string {
  const source = JSON.parse(geoJsonText) as { features?: SourceFeature[] };
  if (!Array.isArray(source.features)) throw new Error('roads: expected a GeoJSON FeatureCollection');
  const names = new Map<string, number>();
  const ways = source.features.flatMap((feature) => compactWay(feature, names) ?? []);
  const roads: CompactRoads = {
    format: roadsFormat,
    attribution: '© OpenStreetMap contributors',
    bbox: boundsOf(ways),
    unitsPerDegree,
    classes: roadClasses,
    names: [...names.keys()],
    ways,
  };
  return JSON.stringify(roads);
}

interface SourceFeature {
  readonly properties: Readonly<Record<string, string | undefined>>;
  readonly geometry:
    | { readonly type: 'LineString'; readonly coordinates: readonly Degrees[] }
    | { readonly type: 'Polygon'; readonly coordinates: readonly (readonly Degrees[])[] };
}
type Degrees = readonly [lon: number, lat: number];

function compactWay({ properties, geometry }: SourceFeature, names: Map<string, number>): [CompactWay] | undefined {
  const isArea = geometry.type === 'Polygon';
  const roadClass = roadClassOf(properties['highway'] ?? '', isArea);
  if (!roadClass) return undefined;
  const points = isArea ? (geometry.coordinates[0] ?? []) : geometry.coordinates;
  const forward = properties['oneway'] === '-1' ? points.toReversed() : points;
  const steps = stepsOf(forward);
  if (steps.length < 4) return undefined;
  const name = nameIndex(properties['name'] ?? properties['ref']?.replaceAll(';', ' · '), names);
  return [[roadClasses.indexOf(roadClass), name, Number(properties['maxspeed']) || 0, flagsOf(properties), steps]];
}

function flagsOf(properties: SourceFeature['properties']): number {
  const { highway = '', oneway, junction, tunnel, bridge, access } = properties;
  const vehicles = properties['motor_vehicle'] ?? properties['motorcar'] ?? properties['vehicle'] ?? access;
  const isOneway = oneway === 'yes' || oneway === '-1' || junction === 'roundabout' || highway === 'motorway';
  return (
    (isOneway && oneway !== 'no' ? wayFlag.oneway : 0) |
    (tunnel && tunnel !== 'no' ? wayFlag.tunnel : 0) |
    (bridge && bridge !== 'no' ? wayFlag.bridge : 0) |
    (highway.endsWith('_link') ? wayFlag.link : 0) |
    (vehicles === 'no' || vehicles === 'private' ? wayFlag.closedToTrucks : 0)
  );
}

function nameIndex(name: string | undefined, names: Map<string, number>): number {
  if (!name) return -1;
  const index = names.get(name) ?? names.size;
  names.set(name, index);
  return index;
}

/** First point absolute, then steps; a point equal to its predecessor is omitted. */
function stepsOf(points: readonly Degrees[]): number[] {
  const steps: number[] = [];
  let [x, y] = [0, 0];
  for (const [lon, lat] of points) {
    const [nextX, nextY] = [Math.round(lon * unitsPerDegree), Math.round(lat * unitsPerDegree)];
    if (steps.length > 0 && nextX === x && nextY === y) continue;
    steps.push(nextX - x, nextY - y);
    [x, y] = [nextX, nextY];
  }
  return steps;
}

function boundsOf(ways: readonly CompactWay[]): [number, number, number, number] {
  const bounds: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [, , , , steps] of ways) {
    for (let i = 0, x = 0, y = 0; i < steps.length; i += 2) {
      x += steps[i] ?? 0;
      y += steps[i + 1] ?? 0;
      bounds[0] = Math.min(bounds[0], x);
      bounds[1] = Math.min(bounds[1], y);
      bounds[2] = Math.max(bounds[2], x);
      bounds[3] = Math.max(bounds[3], y);
    }
  }
  return bounds.map((units) => units / unitsPerDegree) as [number, number, number, number];
}
