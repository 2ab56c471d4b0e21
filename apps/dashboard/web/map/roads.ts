// The roads of /roads.json, decoded for drawing and for finding a truck's street.
// Coordinates are Mercator's, 0 to 1 over the world, so that a zoom level is one multiplication.
import type { CompactRoads, CompactWay, RoadClass } from '@milepost/roads';
import { url } from '../api.ts';

/** Cells of the index: tiles of this zoom. */
const cellZoom = 15;
const cells = 2 ** cellZoom;

export const mercatorX = (lon: number): number => lon / 360 + 0.5;
export const mercatorY = (lat: number): number =>
  0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI);

export type WorldBox = readonly [left: number, top: number, right: number, bottom: number];

export interface Way {
  readonly roadClass: RoadClass;
  readonly name: string | undefined;
  /** Of `wayFlag`. */
  readonly flags: number;
  /** x and y of each point. */
  readonly points: Float64Array;
  readonly box: WorldBox;
}

export class Roads {
  /** In the order of painting. */
  readonly ways: readonly Way[];
  readonly attribution: string;
  readonly #cells = new Map<number, Way[]>();

  constructor(file: CompactRoads) {
    this.attribution = file.attribution;
    this.ways = file.ways
      .map((way) => decode(way, file))
      .sort((a, b) => file.classes.indexOf(a.roadClass) - file.classes.indexOf(b.roadClass));
    for (const way of this.ways) this.#index(way);
  }

  static async load(): Promise<Roads> {
    const response = await fetch(url('roads.json'));
    if (!response.ok) throw new Error(`roads.json: ${response.status}`);
    return new Roads((await response.json()) as CompactRoads);
  }

  /** Ways that may touch the box, each once, in the order of painting. */
  within([left, top, right, bottom]: WorldBox): Set<Way> {
    const found = new Set<Way>();
    for (let x = Math.floor(left * cells); x <= Math.floor(right * cells); x++) {
      for (let y = Math.floor(top * cells); y <= Math.floor(bottom * cells); y++) {
        for (const way of this.#cells.get(x * cells + y) ?? []) found.add(way);
      }
    }
    return found;
  }

  /** The name of the nearest named road that vehicles use, within about 40 m. */
  streetAt(lon: number, lat: number): string | undefined {
    const [x, y] = [mercatorX(lon), mercatorY(lat)];
    const reach = 40 / (40_075_017 * Math.cos((lat * Math.PI) / 180));
    let best = reach;
    let name: string | undefined;
    for (const way of this.within([x - reach, y - reach, x + reach, y + reach])) {
      if (!way.name || way.roadClass === 'path' || way.roadClass === 'square') continue;
      const distance = distanceTo(way.points, x, y);
      if (distance < best) [best, name] = [distance, way.name];
    }
    return name;
  }

  #index(way: Way): void {
    const [left, top, right, bottom] = way.box;
    for (let x = Math.floor(left * cells); x <= Math.floor(right * cells); x++) {
      for (let y = Math.floor(top * cells); y <= Math.floor(bottom * cells); y++) {
        const key = x * cells + y;
        const cell = this.#cells.get(key);
        if (cell) cell.push(way);
        else this.#cells.set(key, [way]);
      }
    }
  }
}

function decode(
  [classIndex, nameIndex, , flags, steps]: CompactWay,
  { classes, names, unitsPerDegree }: CompactRoads,
): Way {
  const points = new Float64Array(steps.length);
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0, lon = 0, lat = 0; i < steps.length; i += 2) {
    lon += steps[i] ?? 0;
    lat += steps[i + 1] ?? 0;
    const x = mercatorX(lon / unitsPerDegree);
    const y = mercatorY(lat / unitsPerDegree);
    points[i] = x;
    points[i + 1] = y;
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  }
  const roadClass = classes[classIndex] ?? 'street';
  return { roadClass, name: names[nameIndex], flags, points, box: [left, top, right, bottom] };
}

function distanceTo(points: Float64Array, x: number, y: number): number {
  let best = Infinity;
  let ax = points[0] ?? 0;
  let ay = points[1] ?? 0;
  for (let i = 2; i < points.length; i += 2) {
    const dx = (points[i] ?? 0) - ax;
    const dy = (points[i + 1] ?? 0) - ay;
    const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    best = Math.min(best, Math.hypot(x - ax - along * dx, y - ay - along * dy));
    ax += dx;
    ay += dy;
  }
  return best;
}
