// The positions of street names at one zoom level. Placed once for the whole city, so that adjacent tiles draw the same
// name at the same position, without a cut at their edge.
import { type RoadClass, wayFlag } from '@milepost/roads';
import type { Roads, Way } from './roads.ts';

type ByClass = Readonly<Partial<Record<RoadClass, number>>>;

const rank: ByClass = { motorway: 5, trunk: 5, primary: 5, secondary: 4, tertiary: 3, street: 2, service: 1 };
/** The zoom from which a class is named. */
const namedFrom: ByClass = {
  motorway: 13,
  trunk: 13,
  primary: 13,
  secondary: 14,
  tertiary: 14,
  street: 15,
  service: 17,
  path: 17,
};
/** The distance between two equal names, and between attempts along a street, in pixels. */
const sameNamePx = 340;
const stepPx = 36;
/** How far a street may bend away from its name. */
const bendPx = 3;

export interface Label extends Spot {
  readonly text: string;
  readonly width: number;
  readonly roadClass: RoadClass;
}

/** x and y in pixels of the zoom level. */
interface Spot {
  readonly x: number;
  readonly y: number;
  readonly angle: number;
}

type Measure = (text: string, font: string) => number;

const rankOf = (roadClass: RoadClass): number => rank[roadClass] ?? 0;

export function labelFont(roadClass: RoadClass): string {
  const isMain = rankOf(roadClass) >= 4;
  return `${isMain ? 560 : 480} ${isMain ? 12 : 11}px Inter, "Segoe UI", system-ui, sans-serif`;
}

export function placeLabels(roads: Roads, zoom: number, measure: Measure): Label[] {
  const scale = 256 * 2 ** zoom;
  const taken = new Occupied();
  const labels: Label[] = [];
  for (const { name, roadClass, points } of streetsOf(roads, zoom)) {
    const width = measure(name, labelFont(roadClass));
    for (const spot of straightSpots(points, scale, width + 12)) {
      const label = { text: name, roadClass, width, ...spot };
      if (taken.hasRoomFor(label)) {
        taken.add(label);
        labels.push(label);
      }
    }
  }
  return labels;
}

type Points = readonly number[];

interface Street {
  readonly name: string;
  readonly roadClass: RoadClass;
  readonly points: Points;
}

/** Joins ways of one name end to end, the important ones first: a street is mapped in many short pieces. */
function streetsOf(roads: Roads, zoom: number): Street[] {
  const groups = Map.groupBy(
    roads.ways.filter((way) => way.name && !(way.flags & wayFlag.link) && zoom >= (namedFrom[way.roadClass] ?? 99)),
    (way) => `${way.roadClass}:${way.name}`,
  );
  return [...groups.values()]
    .flatMap((ways) => {
      const [{ name = '', roadClass } = { name: '', roadClass: 'street' as const }] = ways;
      return joined(ways).map((points) => ({ name, roadClass, points }));
    })
    .sort((a, b) => rankOf(b.roadClass) - rankOf(a.roadClass) || b.points.length - a.points.length);
}

function joined(ways: readonly Way[]): Points[] {
  const chains: { points: Points }[] = [];
  const byEnd = new Map<string, { points: Points }>();
  const startOf = (points: Points): string => `${points[0]},${points[1]}`;
  const endOf = (points: Points): string => `${points.at(-2)},${points.at(-1)}`;
  for (const way of ways) {
    const chain: { points: Points } = { points: [...way.points] };
    const start = startOf(chain.points);
    const before = byEnd.get(start);
    if (before) {
      byEnd.delete(start);
      chain.points = [...before.points, ...chain.points.slice(2)];
      chains.splice(chains.indexOf(before), 1);
    }
    chains.push(chain);
    byEnd.set(endOf(chain.points), chain);
  }
  return chains.map(({ points }) => points);
}

/** In pixels, and how far along the street each point is. */
interface Line {
  readonly xs: number[];
  readonly ys: number[];
  readonly at: number[];
}

/** Parts that are straight enough for a text of that width, nearest to the middle first, with space between them. */
function* straightSpots(points: Points, scale: number, width: number): Generator<Spot> {
  const line = lineOf(points, scale);
  const length = line.at.at(-1) ?? 0;
  for (let start = Math.max(0, (length % sameNamePx) / 2 - width / 2); start + width <= length; start += stepPx) {
    const spot = straightSpot(line, start, start + width);
    if (!spot) continue;
    yield spot;
    start += sameNamePx;
  }
}

function lineOf(points: Points, scale: number): Line {
  const line: Line = { xs: [], ys: [], at: [] };
  let [length, lastX, lastY] = [0, 0, 0];
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [(points[i] ?? 0) * scale, (points[i + 1] ?? 0) * scale];
    if (i > 0) length += Math.hypot(x - lastX, y - lastY);
    line.at.push(length);
    line.xs.push(x);
    line.ys.push(y);
    [lastX, lastY] = [x, y];
  }
  return line;
}

function straightSpot(line: Line, start: number, end: number): Spot | undefined {
  const [ax, ay] = pointAt(line, start);
  const [bx, by] = pointAt(line, end);
  const chord = Math.hypot(bx - ax, by - ay);
  if (chord < (end - start) * 0.97) return undefined;
  for (let i = 0; i < line.at.length; i++) {
    const [at = 0, x = 0, y = 0] = [line.at[i], line.xs[i], line.ys[i]];
    if (at <= start || at >= end) continue;
    const aside = Math.abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / chord;
    if (aside > bendPx) return undefined;
  }
  let angle = Math.atan2(by - ay, bx - ax);
  if (Math.abs(angle) > Math.PI / 2) angle += angle > 0 ? -Math.PI : Math.PI;
  return { x: (ax + bx) / 2, y: (ay + by) / 2, angle };
}

function pointAt({ xs, ys, at }: Line, distance: number): readonly [x: number, y: number] {
  let i = 1;
  while (i < at.length - 1 && (at[i] ?? 0) < distance) i++;
  const [from = 0, to = 0] = [at[i - 1], at[i]];
  const [ax = 0, ay = 0, bx = 0, by = 0] = [xs[i - 1], ys[i - 1], xs[i], ys[i]];
  const share = (distance - from) / (to - from || 1);
  return [ax + (bx - ax) * share, ay + (by - ay) * share];
}

type Dot = readonly [x: number, y: number];

/** The areas occupied by names, as dots along them in a grid. */
class Occupied {
  readonly #cells = new Map<string, readonly Dot[]>();
  readonly #byName = new Map<string, readonly Label[]>();

  hasRoomFor(label: Label): boolean {
    for (const { x, y } of this.#byName.get(label.text) ?? []) {
      if (Math.hypot(x - label.x, y - label.y) < sameNamePx) return false;
    }
    return dots(label).every(([x, y]) => !this.#isNear(x, y));
  }

  add(label: Label): void {
    this.#byName.set(label.text, [...(this.#byName.get(label.text) ?? []), label]);
    for (const [x, y] of dots(label)) {
      const key = cellKey(x, y);
      this.#cells.set(key, [...(this.#cells.get(key) ?? []), [x, y]]);
    }
  }

  #isNear(x: number, y: number): boolean {
    for (let dx = -cellPx; dx <= cellPx; dx += cellPx) {
      for (let dy = -cellPx; dy <= cellPx; dy += cellPx) {
        for (const [ox, oy] of this.#cells.get(cellKey(x + dx, y + dy)) ?? []) {
          if (Math.hypot(ox - x, oy - y) < cellPx) return true;
        }
      }
    }
    return false;
  }
}

const cellPx = 18;
const cellKey = (x: number, y: number): string => `${Math.floor(x / cellPx)},${Math.floor(y / cellPx)}`;

function dots({ x, y, angle, width }: Label): Dot[] {
  const steps = Math.max(1, Math.ceil(width / 12));
  return Array.from({ length: steps + 1 }, (_, i): Dot => {
    const along = (i / steps - 0.5) * width;
    return [x + Math.cos(angle) * along, y + Math.sin(angle) * along];
  });
}
