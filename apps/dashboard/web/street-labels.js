// The positions of street names at one zoom level. Placed once for the whole city, so that adjacent tiles draw the same
// name at the same position, without a cut at their edge.
import { flags } from './roads.js';

const rank = { motorway: 5, trunk: 5, primary: 5, secondary: 4, tertiary: 3, street: 2, service: 1 };
/** The zoom from which a class is named. */
const namedFrom = {
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

export const labelFont = (roadClass) =>
  `${rank[roadClass] >= 4 ? 560 : 480} ${rank[roadClass] >= 4 ? 12 : 11}px Inter, "Segoe UI", system-ui, sans-serif`;

/** @returns [{ text, x, y (pixels of the zoom level), angle, width, roadClass }] */
export function placeLabels(roads, zoom, measure) {
  const scale = 256 * 2 ** zoom;
  const taken = new Occupied();
  const labels = [];
  for (const street of streetsOf(roads, zoom)) {
    const width = measure(street.name, labelFont(street.roadClass));
    for (const spot of straightSpots(street.points, scale, width + 12)) {
      const label = { text: street.name, roadClass: street.roadClass, width, ...spot };
      if (taken.hasRoomFor(label)) {
        taken.add(label);
        labels.push(label);
      }
    }
  }
  return labels;
}

/** Joins ways of one name end to end, the important ones first: a street is mapped in many short pieces. */
function streetsOf(roads, zoom) {
  const groups = Map.groupBy(
    roads.ways.filter((way) => way.name && !(way.flags & flags.link) && zoom >= (namedFrom[way.roadClass] ?? 99)),
    (way) => `${way.roadClass}:${way.name}`,
  );
  return [...groups.values()]
    .flatMap((ways) => joined(ways).map((points) => ({ name: ways[0].name, roadClass: ways[0].roadClass, points })))
    .sort((a, b) => (rank[b.roadClass] ?? 0) - (rank[a.roadClass] ?? 0) || b.points.length - a.points.length);
}

function joined(ways) {
  const chains = [];
  const byEnd = new Map();
  const key = (points, at) => `${points.at(at === 0 ? 0 : -2)},${points.at(at === 0 ? 1 : -1)}`;
  for (const way of ways) {
    const chain = { points: [...way.points] };
    chains.push(chain);
    for (let other = byEnd.get(key(chain.points, 0)); other && other !== chain; other = undefined) {
      byEnd.delete(key(chain.points, 0));
      chain.points = [...other.points, ...chain.points.slice(2)];
      chains.splice(chains.indexOf(other), 1);
    }
    byEnd.set(key(chain.points, 1), chain);
  }
  return chains.map(({ points }) => points);
}

/** Parts that are straight enough for a text of that width, nearest to the middle first, with space between them. */
function* straightSpots(points, scale, width) {
  const line = { xs: [], ys: [], at: [] };
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [points[i] * scale, points[i + 1] * scale];
    const n = line.xs.length;
    line.at.push(n === 0 ? 0 : line.at[n - 1] + Math.hypot(x - line.xs[n - 1], y - line.ys[n - 1]));
    line.xs.push(x);
    line.ys.push(y);
  }
  const length = line.at.at(-1);
  for (let start = Math.max(0, (length % sameNamePx) / 2 - width / 2); start + width <= length; start += stepPx) {
    const spot = straightSpot(line, start, start + width);
    if (!spot) continue;
    yield spot;
    start += sameNamePx;
  }
}

function straightSpot({ xs, ys, at }, start, end) {
  const [ax, ay] = pointAt(xs, ys, at, start);
  const [bx, by] = pointAt(xs, ys, at, end);
  const chord = Math.hypot(bx - ax, by - ay);
  if (chord < (end - start) * 0.97) return undefined;
  for (let i = 0; i < at.length; i++) {
    if (at[i] <= start || at[i] >= end) continue;
    const aside = Math.abs((bx - ax) * (ay - ys[i]) - (ax - xs[i]) * (by - ay)) / chord;
    if (aside > bendPx) return undefined;
  }
  let angle = Math.atan2(by - ay, bx - ax);
  if (Math.abs(angle) > Math.PI / 2) angle += angle > 0 ? -Math.PI : Math.PI;
  return { x: (ax + bx) / 2, y: (ay + by) / 2, angle };
}

function pointAt(xs, ys, at, distance) {
  let i = 1;
  while (i < at.length - 1 && at[i] < distance) i++;
  const share = (distance - at[i - 1]) / (at[i] - at[i - 1] || 1);
  return [xs[i - 1] + (xs[i] - xs[i - 1]) * share, ys[i - 1] + (ys[i] - ys[i - 1]) * share];
}

/** The areas occupied by names, as dots along them in a grid. */
class Occupied {
  #cells = new Map();
  #byName = new Map();

  hasRoomFor(label) {
    for (const { x, y } of this.#byName.get(label.text) ?? []) {
      if (Math.hypot(x - label.x, y - label.y) < sameNamePx) return false;
    }
    return dots(label).every(([x, y]) => !this.#isNear(x, y));
  }

  add(label) {
    this.#byName.set(label.text, [...(this.#byName.get(label.text) ?? []), label]);
    for (const [x, y] of dots(label)) {
      const key = cellKey(x, y);
      this.#cells.set(key, [...(this.#cells.get(key) ?? []), [x, y]]);
    }
  }

  #isNear(x, y) {
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
const cellKey = (x, y) => `${Math.floor(x / cellPx)},${Math.floor(y / cellPx)}`;

function dots({ x, y, angle, width }) {
  const steps = Math.max(1, Math.ceil(width / 12));
  return Array.from({ length: steps + 1 }, (_, i) => {
    const along = (i / steps - 0.5) * width;
    return [x + Math.cos(angle) * along, y + Math.sin(angle) * along];
  });
}
