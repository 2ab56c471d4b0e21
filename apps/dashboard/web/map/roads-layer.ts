// The base map: roads drawn by class onto Leaflet's tiles, with street names at close zoom. No server, no internet.
import { type RoadClass, wayFlag } from '@milepost/roads';
import * as L from 'leaflet';
import { penOf } from '../dom.ts';
import { color } from '../theme.ts';
import type { Roads, Way, WorldBox } from './roads.ts';
import { type Label, labelFont, placeLabels } from './street-labels.ts';

interface RoadStyle {
  /** At zoom 14, in pixels. */
  readonly width: number;
  /** Names of colors. */
  readonly fill: string;
  readonly edge?: string;
  /** The zoom from which the class is shown. */
  readonly from: number;
}

/** In the order of painting. */
const styles: Readonly<Record<RoadClass, RoadStyle>> = {
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
const classOrder = Object.keys(styles);
const tileBorderPx = 24;
const labelsFromZoom = 13;
const labelsUpToZoom = 18;

export class RoadsLayer extends L.GridLayer {
  readonly #roads: Roads;
  readonly #labels = new Map<number, readonly Label[]>();

  constructor(roads: Roads) {
    super({
      attribution: `<a href="https://www.openstreetmap.org/copyright" rel="noreferrer" target="_blank">${roads.attribution}</a>`,
      maxZoom: 19,
      updateWhenZooming: false,
      keepBuffer: 3,
    });
    this.#roads = roads;
    this.#prepareLabels(labelsFromZoom);
  }

  override createTile(coords: L.Coords): HTMLElement {
    const size = this.getTileSize().x;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = size * ratio;
    const pen = penOf(canvas);
    pen.scale(ratio, ratio);
    paint(pen, this.#roads, coords, size);
    if (coords.z >= labelsFromZoom) paintLabels(pen, this.#labelsAt(coords.z), coords, size);
    return canvas;
  }

  /** Prepares one zoom level at a time while the page is idle, so that zooming in does not stutter. */
  #prepareLabels(zoom: number): void {
    const later = 'requestIdleCallback' in window ? requestIdleCallback : (run: () => void) => setTimeout(run, 300); // Safari
    later(() => {
      this.#labelsAt(zoom);
      if (zoom < labelsUpToZoom) this.#prepareLabels(zoom + 1);
    });
  }

  #labelsAt(zoom: number): readonly Label[] {
    const known = this.#labels.get(zoom);
    if (known) return known;
    const pen = penOf(document.createElement('canvas'));
    const measure = (text: string, font: string): number => {
      pen.font = font;
      return pen.measureText(text).width;
    };
    const labels = placeLabels(this.#roads, zoom, measure);
    this.#labels.set(zoom, labels);
    return labels;
  }
}

interface Paths {
  readonly road: Path2D;
  readonly link: Path2D;
  readonly tunnel: Path2D;
}

function paint(pen: CanvasRenderingContext2D, roads: Roads, { x, y, z }: L.Coords, size: number): void {
  const scale = size * 2 ** z;
  const border = tileBorderPx / scale;
  const [left, top] = [x / 2 ** z, y / 2 ** z];
  const box: WorldBox = [left - border, top - border, left + size / scale + border, top + size / scale + border];
  const shown = [...roads.within(box)].filter((way) => z >= styles[way.roadClass].from && overlaps(way.box, box));
  const inOrder = [...Map.groupBy(shown, ({ roadClass }) => roadClass)].sort(
    ([a], [b]) => classOrder.indexOf(a) - classOrder.indexOf(b),
  );
  pen.lineCap = 'round';
  pen.lineJoin = 'round';
  const paths = inOrder.map(([roadClass, ways]) => [roadClass, pathsOf(ways, scale, left, top)] as const);
  for (const [roadClass, path] of paths) paintEdges(pen, roadClass, path, z);
  for (const [roadClass, path] of paths) paintFill(pen, roadClass, path, z);
}

function overlaps(a: WorldBox, b: WorldBox): boolean {
  return a[0] <= b[2] && a[2] >= b[0] && a[1] <= b[3] && a[3] >= b[1];
}

/** Tunnels and links have their own strokes. */
function pathsOf(ways: readonly Way[], scale: number, left: number, top: number): Paths {
  const paths = { road: new Path2D(), link: new Path2D(), tunnel: new Path2D() };
  for (const { points, flags } of ways) {
    const path = flags & wayFlag.tunnel ? paths.tunnel : flags & wayFlag.link ? paths.link : paths.road;
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = [((points[i] ?? 0) - left) * scale, ((points[i + 1] ?? 0) - top) * scale];
      if (i === 0) path.moveTo(x, y);
      else path.lineTo(x, y);
    }
  }
  return paths;
}

function widthAt(roadClass: RoadClass, zoom: number): number {
  return Math.max(0.7, styles[roadClass].width * 1.5 ** (zoom - 14));
}

function paintEdges(pen: CanvasRenderingContext2D, roadClass: RoadClass, { road, link }: Paths, zoom: number): void {
  const { edge } = styles[roadClass];
  const width = widthAt(roadClass, zoom);
  if (!edge || width < 1.6) return;
  pen.strokeStyle = color(edge);
  pen.lineWidth = width + Math.min(2.4, 0.8 + width * 0.16);
  pen.stroke(road);
  pen.lineWidth = width * 0.62 + 1.4;
  pen.stroke(link);
}

function paintFill(
  pen: CanvasRenderingContext2D,
  roadClass: RoadClass,
  { road, link, tunnel }: Paths,
  zoom: number,
): void {
  const width = widthAt(roadClass, zoom);
  if (roadClass === 'square') {
    pen.fillStyle = color('square');
    pen.fill(road);
    return;
  }
  pen.strokeStyle = color(styles[roadClass].fill);
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

function paintLabels(
  pen: CanvasRenderingContext2D,
  labels: readonly Label[],
  tile: { readonly x: number; readonly y: number },
  size: number,
): void {
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.lineWidth = 3;
  pen.strokeStyle = color('land');
  pen.fillStyle = color('label');
  for (const { text, roadClass, angle, width, x, y } of labels) {
    const [left, top] = [x - tile.x * size, y - tile.y * size];
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
