// The base map: roads drawn by class onto Leaflet's tiles, with street names at close zoom. No server, no internet.
import * as L from './leaflet/leaflet-src.esm.js';
import { flags } from './roads.js';
import { labelFont, placeLabels } from './street-labels.js';
import { colour } from './theme.js';

/** Width at zoom 14 in pixels, colors, and the zoom from which a class is shown. */
const styles = {
  square: { width: 0, fill: 'square', from: 15 },
  path: { width: 0.8, fill: 'path', from: 15 },
  service: { width: 1.2, fill: 'service', edge: 'street-edge', from: 14 },
  street: { width: 2.3, fill: 'street', edge: 'street-edge', from: 12 },
  tertiary: { width: 3.2, fill: 'street', edge: 'street-edge', from: 11 },
  secondary: { width: 3.8, fill: 'main', edge: 'main-edge', from: 10 },
  primary: { width: 4.6, fill: 'main', edge: 'main-edge', from: 0 },
  trunk: { width: 4.8, fill: 'fast', edge: 'fast-edge', from: 0 },
  motorway: { width: 5.4, fill: 'fast', edge: 'fast-edge', from: 0 },
};
const tileBorderPx = 24;

export const RoadsLayer = L.GridLayer.extend({
  initialize(roads) {
    L.GridLayer.prototype.initialize.call(this, {
      attribution: `<a href="https://www.openstreetmap.org/copyright" rel="noreferrer" target="_blank">${roads.attribution}</a>`,
      maxZoom: 19,
      updateWhenZooming: false,
      keepBuffer: 3,
    });
    this.roads = roads;
    this.labels = new Map();
    this.prepareLabels();
  },

  /** Prepares one zoom level at a time while the page is idle, so that zooming in does not stutter. */
  prepareLabels(zoom = 13) {
    const later = globalThis.requestIdleCallback ?? ((run) => setTimeout(run, 300));
    later(() => {
      this.labelsAt(zoom);
      if (zoom < 18) this.prepareLabels(zoom + 1);
    });
  },

  createTile(coords) {
    const size = this.getTileSize().x;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = size * ratio;
    const pen = canvas.getContext('2d', { alpha: true });
    pen.scale(ratio, ratio);
    paint(pen, this.roads, coords, size);
    if (coords.z >= 13) paintLabels(pen, this.labelsAt(coords.z), coords, size);
    return canvas;
  },

  /** Call after the colors have changed. */
  repaint() {
    this.redraw();
  },

  labelsAt(zoom) {
    if (!this.labels.has(zoom)) {
      const pen = document.createElement('canvas').getContext('2d');
      const measure = (text, font) => {
        pen.font = font;
        return pen.measureText(text).width;
      };
      this.labels.set(zoom, placeLabels(this.roads, zoom, measure));
    }
    return this.labels.get(zoom);
  },
});

function paint(pen, roads, { x, y, z }, size) {
  const scale = size * 2 ** z;
  const border = tileBorderPx / scale;
  const [left, top] = [x / 2 ** z, y / 2 ** z];
  const box = [left - border, top - border, left + size / scale + border, top + size / scale + border];
  const shown = [...roads.within(box)].filter((way) => z >= styles[way.roadClass].from && overlaps(way.box, box));
  const byClass = Object.entries(Object.groupBy(shown, ({ roadClass }) => roadClass));
  const inOrder = byClass.sort(([a], [b]) => classOrder.indexOf(a) - classOrder.indexOf(b));
  pen.lineCap = 'round';
  pen.lineJoin = 'round';
  const paths = inOrder.map(([roadClass, ways]) => [roadClass, pathsOf(ways, scale, left, top)]);
  for (const [roadClass, path] of paths) paintEdges(pen, roadClass, path, z);
  for (const [roadClass, path] of paths) paintFill(pen, roadClass, path, z);
}

const classOrder = Object.keys(styles);

function overlaps(a, b) {
  return a[0] <= b[2] && a[2] >= b[0] && a[1] <= b[3] && a[3] >= b[1];
}

/** Tunnels and links have their own strokes. */
function pathsOf(ways, scale, left, top) {
  const paths = { road: new Path2D(), link: new Path2D(), tunnel: new Path2D() };
  for (const { points, flags: wayFlags } of ways) {
    const path = wayFlags & flags.tunnel ? paths.tunnel : wayFlags & flags.link ? paths.link : paths.road;
    path.moveTo((points[0] - left) * scale, (points[1] - top) * scale);
    for (let i = 2; i < points.length; i += 2) path.lineTo((points[i] - left) * scale, (points[i + 1] - top) * scale);
  }
  return paths;
}

function widthAt(roadClass, zoom) {
  return Math.max(0.7, styles[roadClass].width * 1.5 ** (zoom - 14));
}

function paintEdges(pen, roadClass, { road, link }, zoom) {
  const { edge } = styles[roadClass];
  const width = widthAt(roadClass, zoom);
  if (!edge || width < 1.6) return;
  pen.strokeStyle = colour(edge);
  pen.lineWidth = width + Math.min(2.4, 0.8 + width * 0.16);
  pen.stroke(road);
  pen.lineWidth = width * 0.62 + 1.4;
  pen.stroke(link);
}

function paintFill(pen, roadClass, { road, link, tunnel }, zoom) {
  const width = widthAt(roadClass, zoom);
  if (roadClass === 'square') {
    pen.fillStyle = colour('square');
    pen.fill(road);
    return;
  }
  pen.strokeStyle = colour(styles[roadClass].fill);
  pen.lineWidth = width;
  pen.stroke(road);
  pen.lineWidth = width * 0.62;
  pen.stroke(link);
  pen.globalAlpha = 0.45;
  pen.setLineDash([width * 0.2 + 3, width * 0.9 + 3]);
  pen.lineWidth = width * 0.8;
  pen.stroke(tunnel);
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}

function paintLabels(pen, labels, { x, y }, size) {
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.lineWidth = 3;
  pen.strokeStyle = colour('land');
  pen.fillStyle = colour('label');
  for (const { text, roadClass, angle, width, ...at } of labels) {
    const [left, top] = [at.x - x * size, at.y - y * size];
    const reach = width / 2 + 8;
    if (left < -reach || top < -reach || left > size + reach || top > size + reach) continue;
    pen.save();
    pen.translate(left, top);
    pen.rotate(angle);
    pen.font = labelFont(roadClass);
    pen.strokeText(text, 0, 0.5);
    pen.fillText(text, 0, 0.5);
    pen.restore();
  }
}
