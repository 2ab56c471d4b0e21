// Routes for trucks over the compact roads: the fastest way along one-way streets, between places that all reach each
// other. Never returns a route that ends where a truck could not continue.
import pathFinderModule from 'geojson-path-finder';
import { unitsPerDegree } from './compact.ts';
import type { Road } from './roads.ts';

/** A place where a route may begin or end, in degrees. */
export interface Place {
  readonly lon: number;
  readonly lat: number;
}

/** One straight piece of a route. */
export interface Leg {
  readonly from: Place;
  readonly to: Place;
  readonly lengthM: number;
  /** Clockwise from north. */
  readonly headingDeg: number;
  readonly limitKmh: number;
  readonly isTunnel: boolean;
  readonly name: string | undefined;
}

export interface Router {
  /** Places for trucks: from each of them every other can be reached. */
  readonly places: readonly Place[];
  /** Undefined when both are the same place, or one is not of `places`. */
  route(from: Place, to: Place): Leg[] | undefined;
}

type Units = readonly [number, number];

export function buildRouter(roads: readonly Road[]): Router {
  const drivable = roads.filter((road) => road.limitKmh > 0);
  const roadByPiece = new Map<string, Road>();
  for (const road of drivable) {
    for (const [from, to] of pieces(road)) roadByPiece.set(pieceKey(from, to), road);
  }
  const finder = new pathFinderModule.default(collectionOf(drivable), {
    tolerance: 1, // coordinates are whole numbers already
    weight: (from, to, { road }: { road: Road }) => {
      const seconds = metresBetween(from as unknown as Units, to as unknown as Units) / road.limitKmh;
      return road.isOneway ? { forward: seconds, backward: 0 } : seconds;
    },
  });
  const core = largestCore(finder.graph.compactedVertices);
  return {
    places: core.map((key) => placeOf(key.split(',').map(Number) as unknown as Units)),
    route(from, to) {
      const found = finder.findPath(pointOf(from), pointOf(to));
      if (!found || found.path.length < 2) return undefined;
      return found.path.slice(1).map((point, i) => {
        const start = found.path[i] as unknown as Units;
        return legBetween(start, point as unknown as Units, roadByPiece);
      });
    },
  };
}

/** Both directions of each straight piece, or one. */
function* pieces(road: Road): Iterable<[Units, Units]> {
  for (let i = 1; i < road.points.length; i++) {
    const [from, to] = [road.points[i - 1], road.points[i]];
    if (!from || !to) continue;
    yield [from, to];
    if (!road.isOneway) yield [to, from];
  }
}

function pieceKey([fromX, fromY]: Units, [toX, toY]: Units): string {
  return `${fromX},${fromY};${toX},${toY}`;
}

function collectionOf(roads: readonly Road[]) {
  return {
    type: 'FeatureCollection' as const,
    features: roads.map((road) => ({
      type: 'Feature' as const,
      properties: { road },
      geometry: { type: 'LineString' as const, coordinates: road.points.map(([x, y]) => [x, y]) },
    })),
  };
}

type Edges = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Crossings that reach, and are reached from, the busiest crossing: one-way streets leave dead ends outside. */
function largestCore(edges: Edges): string[] {
  const hub = Object.keys(edges).reduce((best, key) => (degree(edges, key) > degree(edges, best) ? key : best), '');
  const reversed: Record<string, Record<string, number>> = {};
  for (const [from, targets] of Object.entries(edges)) {
    for (const [to, weight] of Object.entries(targets)) (reversed[to] ??= {})[from] = weight;
  }
  const back = reachable(reversed, hub);
  return [...reachable(edges, hub)].filter((key) => back.has(key));
}

function degree(edges: Edges, key: string): number {
  return Object.keys(edges[key] ?? {}).length;
}

function reachable(edges: Edges, start: string): Set<string> {
  const seen = new Set([start]);
  for (const key of seen) {
    for (const [next, weight] of Object.entries(edges[key] ?? {})) {
      if (weight < Infinity) seen.add(next); // the library stores a closed direction as an endless one
    }
  }
  return seen;
}

function legBetween(from: Units, to: Units, roadByPiece: ReadonlyMap<string, Road>): Leg {
  const road = roadByPiece.get(pieceKey(from, to));
  return {
    from: placeOf(from),
    to: placeOf(to),
    lengthM: metresBetween(from, to),
    headingDeg: headingBetween(from, to),
    limitKmh: road?.limitKmh ?? 30,
    isTunnel: road?.isTunnel ?? false,
    name: road?.name,
  };
}

function placeOf([x, y]: Units): Place {
  return { lon: x / unitsPerDegree, lat: y / unitsPerDegree };
}

function pointOf({ lon, lat }: Place) {
  const coordinates = [Math.round(lon * unitsPerDegree), Math.round(lat * unitsPerDegree)];
  return { type: 'Feature' as const, properties: {}, geometry: { type: 'Point' as const, coordinates } };
}

const metresPerUnit = 111_320 / unitsPerDegree;

function metresBetween(from: Units, to: Units): number {
  const [east, north] = stepBetween(from, to);
  return Math.hypot(east, north);
}

function headingBetween(from: Units, to: Units): number {
  const [east, north] = stepBetween(from, to);
  return ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360;
}

function stepBetween([fromX, fromY]: Units, [toX, toY]: Units): [number, number] {
  const shrink = Math.cos(((fromY / unitsPerDegree) * Math.PI) / 180);
  return [(toX - fromX) * metresPerUnit * shrink, (toY - fromY) * metresPerUnit];
}
