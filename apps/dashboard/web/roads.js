// The roads of /roads.json, decoded for drawing and for finding a truck's street.
// Coordinates are Mercator's, 0 to 1 over the world, so that a zoom level is one multiplication.

export const flags = { oneway: 1, tunnel: 2, bridge: 4, link: 8 };
/** Cells of the index: tiles of this zoom. */
const cellZoom = 15;
const cells = 2 ** cellZoom;

export const mercatorX = (lon) => lon / 360 + 0.5;
export const mercatorY = (lat) => 0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI);

export class Roads {
  /** { roadClass, name, flags, points: Float64Array of x, y, box } in the order of painting. */
  ways;
  attribution;
  /** [[south, west], [north, east]] */
  bounds;
  #cells = new Map();

  constructor(file) {
    this.attribution = file.attribution;
    const [west, south, east, north] = file.bbox;
    this.bounds = [
      [south, west],
      [north, east],
    ];
    this.ways = file.ways
      .map((way) => decode(way, file))
      .sort((a, b) => file.classes.indexOf(a.roadClass) - file.classes.indexOf(b.roadClass));
    for (const way of this.ways) this.#index(way);
  }

  static async load() {
    const response = await fetch('roads.json');
    if (!response.ok) throw new Error(`roads.json: ${response.status}`);
    return new Roads(await response.json());
  }

  /** Ways that may touch the box, each once, in the order of painting. */
  within([left, top, right, bottom]) {
    const found = new Set();
    for (let x = Math.floor(left * cells); x <= Math.floor(right * cells); x++) {
      for (let y = Math.floor(top * cells); y <= Math.floor(bottom * cells); y++) {
        for (const way of this.#cells.get(x * cells + y) ?? []) found.add(way);
      }
    }
    return found;
  }

  /** The name of the nearest named road that vehicles use, within about 40 m. */
  streetAt(lon, lat) {
    const [x, y] = [mercatorX(lon), mercatorY(lat)];
    const reach = 40 / (40_075_017 * Math.cos((lat * Math.PI) / 180));
    let best = reach;
    let name;
    for (const way of this.within([x - reach, y - reach, x + reach, y + reach])) {
      if (!way.name || way.roadClass === 'path' || way.roadClass === 'square') continue;
      const distance = distanceTo(way.points, x, y);
      if (distance < best) [best, name] = [distance, way.name];
    }
    return name;
  }

  #index(way) {
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

function decode([classIndex, nameIndex, , wayFlags, steps], { classes, names, unitsPerDegree }) {
  const points = new Float64Array(steps.length);
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0, lon = 0, lat = 0; i < steps.length; i += 2) {
    lon += steps[i];
    lat += steps[i + 1];
    const x = mercatorX(lon / unitsPerDegree);
    const y = mercatorY(lat / unitsPerDegree);
    points[i] = x;
    points[i + 1] = y;
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return { roadClass: classes[classIndex], name: names[nameIndex], flags: wayFlags, points, box };
}

function distanceTo(points, x, y) {
  let best = Infinity;
  for (let i = 2; i < points.length; i += 2) {
    const [ax, ay] = [points[i - 2], points[i - 1]];
    const [dx, dy] = [points[i] - ax, points[i + 1] - ay];
    const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    best = Math.min(best, Math.hypot(x - ax - along * dx, y - ay - along * dy));
  }
  return best;
}
