// All trucks on one canvas above the map. Trucks glide from position to position; a frame is drawn only when something
// moves. Sprites are drawn once per state and direction, so that a frame of a thousand trucks is a thousand copies.
import type { TruckRow } from '@milepost/live';
import type * as L from 'leaflet';
import { penOf } from '../dom.ts';
import type { Fleet, FleetState, Glide, Truck, WorldPoint } from '../fleet.ts';
import { color } from '../theme.ts';
import { mercatorX, mercatorY } from './roads.ts';
import { drawSprite, headingSteps, type SpriteColors, spriteSize } from './sprites.ts';

/** The longest time for a truck to glide to its last position. */
const longestGlideMs = 1_800;
/** A longer way is not animated: the truck jumps there. About 1.5 km. */
const farthestGlide = 1_500 / 40_075_017;
/** Leaflet's own zoom animation, which the canvas follows. */
const zoomMs = 250;
const touchPx = 20;
const labelsFromZoom = 14;
const labelsUpTo = 60;

interface LatLon {
  readonly lat: number;
  readonly lon: number;
}
interface Pixels {
  readonly x: number;
  readonly y: number;
}
interface Drawn extends Pixels {
  readonly id: string;
  readonly deg: number | undefined;
  readonly state: FleetState;
}
/** How the world is placed on the screen. */
interface View {
  /** Pixels of the world's width. */
  readonly scale: number;
  readonly left: number;
  readonly top: number;
}
interface Zooming {
  readonly before: View;
  readonly after: View;
  readonly startMs: number;
}
type ToScreen = (point: WorldPoint) => readonly [x: number, y: number];

export class TrucksLayer {
  readonly #map: L.Map;
  readonly #fleet: Fleet;
  readonly #canvas = document.createElement('canvas');
  readonly #pen = penOf(this.#canvas);
  readonly #sprites = new Map<string, HTMLCanvasElement>();
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)');
  #colors = colorsNow();
  #trail: WorldPoint[] = [];
  #frame = 0;
  #zooming: Zooming | undefined;
  #drawn: Drawn[] = [];
  #isHidden: (truck: Truck) => boolean = () => false;

  constructor(map: L.Map, fleet: Fleet) {
    this.#map = map;
    this.#fleet = fleet;
    this.#canvas.className = 'trucks-canvas';
    this.#canvas.dataset['testid'] = 'markers';
    this.#canvas.setAttribute('role', 'img');
    this.#canvas.setAttribute('aria-label', 'Trucks, which the list has too');
    map.getContainer().append(this.#canvas);
    map.on('move zoom viewreset resize moveend zoomend', () => this.#drawNow());
    map.on('zoomanim', ({ center, zoom }) => this.#followZoom(center, zoom));
    fleet.on('trucks', (rows) => this.#glide(rows));
    fleet.on('select', () => this.#wake());
    setInterval(() => this.#wake(), 1_000); // a truck becomes silent by the clock alone
  }

  /** Call after the colors have changed. */
  readColors(): void {
    this.#colors = colorsNow();
    this.#sprites.clear();
    this.#wake();
  }

  /** Oldest first. */
  showTrail(points: readonly LatLon[]): void {
    this.#trail = points.map(worldPoint);
    this.#canvas.dataset['trailPoints'] = String(points.length);
    this.#wake();
  }

  extendTrail(point: LatLon): void {
    this.#trail.push(worldPoint(point));
    this.#canvas.dataset['trailPoints'] = String(this.#trail.length);
  }

  /** Hides trucks that the list has filtered out. */
  hide(isHidden: (truck: Truck) => boolean): void {
    this.#isHidden = isHidden;
    this.#wake();
  }

  /** The id of the truck at a point of the map, if there is one. */
  truckAt({ x, y }: Pixels): string | undefined {
    let best = touchPx;
    let id: string | undefined;
    for (const drawn of this.#drawn) {
      const distance = Math.hypot(drawn.x - x, drawn.y - y);
      if (distance < best) [best, id] = [distance, drawn.id];
    }
    return id;
  }

  /** The current position of a truck on the map, in pixels. */
  placeOf(id: string): Pixels | undefined {
    return this.#drawn.find((drawn) => drawn.id === id);
  }

  #glide(rows: readonly TruckRow[]): void {
    const now = performance.now();
    for (const { id } of rows) {
      const truck = this.#fleet.trucks.get(id);
      if (!truck) continue;
      const { glide } = truck;
      const to = worldPoint(truck);
      const from = glide ? positionAt(glide, now) : to;
      const isFar = Math.hypot(to[0] - from[0], to[1] - from[1]) > farthestGlide;
      const sinceMs = glide ? now - glide.startMs : 0;
      const glideMs = isFar || this.#still.matches ? 0 : Math.min(longestGlideMs, Math.max(250, sinceMs * 1.05));
      truck.glide = { from: isFar ? to : from, to, startMs: now, endMs: now + glideMs };
    }
    this.#wake();
  }

  #followZoom(center: L.LatLng, zoom: number): void {
    const scale = 256 * 2 ** zoom;
    const size = this.#map.getSize();
    const left = mercatorX(center.lng) * scale - size.x / 2;
    const top = mercatorY(center.lat) * scale - size.y / 2;
    this.#zooming = { before: this.#view(), after: { scale, left, top }, startMs: performance.now() };
    this.#wake();
  }

  #view(): View {
    const { x = 0, y = 0 } = this.#map.getPixelBounds().min ?? {};
    return { scale: 256 * 2 ** this.#map.getZoom(), left: x, top: y };
  }

  #wake(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#draw()) this.#wake();
    });
  }

  /** Within the event that moves the map: a frame later the trucks would lag behind. */
  #drawNow(): void {
    if (this.#zooming && performance.now() - this.#zooming.startMs < zoomMs) return this.#wake();
    this.#draw();
  }

  /** True while something is still moving. */
  #draw(): boolean {
    const now = performance.now();
    const { width, height } = this.#fitCanvas();
    const screen = this.#screenAt(now);
    this.#pen.clearRect(0, 0, width, height);
    this.#drawTrail(screen);
    const moving = this.#drawTrucks(screen, now, width, height);
    this.#canvas.dataset['markers'] = String(this.#drawn.length);
    return moving || this.#zooming !== undefined;
  }

  #fitCanvas(): { readonly width: number; readonly height: number } {
    const { x: width, y: height } = this.#map.getSize();
    const ratio = Math.min(2, devicePixelRatio || 1);
    if (this.#canvas.width !== Math.round(width * ratio) || this.#canvas.height !== Math.round(height * ratio)) {
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(height * ratio);
      this.#canvas.style.width = `${width}px`;
      this.#canvas.style.height = `${height}px`;
      this.#pen.scale(ratio, ratio);
    }
    return { width, height };
  }

  /** From the world to pixels. While Leaflet zooms: between the two views, like its tiles. */
  #screenAt(now: number): ToScreen {
    const share = this.#zooming ? (now - this.#zooming.startMs) / zoomMs : 1;
    if (share >= 1) this.#zooming = undefined;
    const { scale, left, top } = this.#zooming ? between(this.#zooming, easeOut(share)) : this.#view();
    return ([x, y]) => [x * scale - left, y * scale - top];
  }

  #drawTrail(screen: ToScreen): void {
    const { selected } = this.#fleet;
    if (this.#trail.length === 0 || !selected) return;
    const pen = this.#pen;
    const points = this.#trail.slice(0, -1).map(screen);
    if (selected.glide) points.push(screen(positionAt(selected.glide, performance.now())));
    pen.lineJoin = pen.lineCap = 'round';
    const stroke = (style: string, width: number, from: number): void => {
      pen.strokeStyle = style;
      pen.lineWidth = width;
      pen.beginPath();
      for (const [x, y] of points.slice(from)) pen.lineTo(x, y);
      pen.stroke();
    };
    stroke(this.#colors.outline, 7, 0);
    pen.globalAlpha = 0.5;
    stroke(this.#colors.accent, 4, 0);
    pen.globalAlpha = 1;
    stroke(this.#colors.accent, 4, Math.floor(points.length * 0.6));
  }

  #drawTrucks(screen: ToScreen, now: number, width: number, height: number): boolean {
    const serverNow = this.#fleet.now();
    const zoom = this.#map.getZoom();
    const size = spriteSize * (zoom < 12 ? 0.72 : zoom < 14 ? 0.86 : 1) * (this.#fleet.trucks.size > 200 ? 0.85 : 1);
    let moving = false;
    this.#drawn = [];
    for (const truck of this.#fleet.trucks.values()) {
      const { id, deg, glide } = truck;
      if (!glide || (this.#isHidden(truck) && id !== this.#fleet.selectedId)) continue;
      if (glide.endMs > now) moving = true;
      const [x, y] = screen(positionAt(glide, now));
      if (x < -size || y < -size || x > width + size || y > height + size) continue;
      this.#drawn.push({ id, x, y, deg, state: this.#fleet.stateOf(truck, serverNow) });
    }
    const rankOf = ({ id, state }: Drawn): number => (id === this.#fleet.selectedId ? 9 : order[state]);
    this.#drawn.sort((a, b) => rankOf(a) - rankOf(b));
    for (const drawn of this.#drawn) {
      if (drawn.id === this.#fleet.selectedId || drawn.state === 'alert') this.#drawHalo(drawn, now);
      this.#pen.drawImage(this.#sprite(drawn), drawn.x - size / 2, drawn.y - size / 2, size, size);
    }
    this.#drawLabels(zoom);
    return moving || (!this.#still.matches && this.#drawn.some(({ state }) => state === 'alert'));
  }

  #drawHalo({ id, x, y, state }: Drawn, now: number): void {
    const pen = this.#pen;
    const pulse = state === 'alert' && !this.#still.matches ? (now % 1600) / 1600 : 0.35;
    pen.beginPath();
    pen.arc(x, y, 13 + pulse * 12, 0, 2 * Math.PI);
    pen.fillStyle = state === 'alert' ? this.#colors.alert : this.#colors.accent;
    pen.globalAlpha = 0.34 * (1 - pulse);
    pen.fill();
    pen.globalAlpha = 1;
    if (id !== this.#fleet.selectedId) return;
    pen.beginPath();
    pen.arc(x, y, 17, 0, 2 * Math.PI);
    pen.strokeStyle = this.#colors.accent;
    pen.lineWidth = 2;
    pen.stroke();
  }

  #drawLabels(zoom: number): void {
    const pen = this.#pen;
    const all = zoom >= labelsFromZoom && this.#drawn.length <= labelsUpTo;
    pen.font = '560 11.5px Inter, "Segoe UI", system-ui, sans-serif';
    pen.textAlign = 'center';
    pen.textBaseline = 'middle';
    pen.lineWidth = 3.5;
    pen.lineJoin = 'round';
    const labelled: Pixels[] = [];
    for (const { id, x, y } of this.#drawn.toReversed()) {
      const isSelected = id === this.#fleet.selectedId;
      const isFree = (): boolean => labelled.every((other) => Math.abs(other.x - x) > 74 || Math.abs(other.y - y) > 15);
      if (!isSelected && !(all && isFree())) continue;
      labelled.push({ x, y });
      pen.strokeStyle = this.#colors.land;
      pen.fillStyle = this.#colors.ink;
      pen.strokeText(id, x, y + 25);
      pen.fillText(id, x, y + 25);
    }
  }

  #sprite({ state, deg }: Drawn): HTMLCanvasElement {
    const step = state === 'stopped' || deg === undefined ? 0 : Math.round(deg / (360 / headingSteps)) % headingSteps;
    const key = `${state} ${deg === undefined ? '?' : step}`;
    const known = this.#sprites.get(key);
    if (known) return known;
    const sprite = drawSprite(state, deg === undefined ? undefined : (step * 360) / headingSteps, this.#colors);
    this.#sprites.set(key, sprite);
    return sprite;
  }
}

/** The most important state is drawn last. */
const order: Readonly<Record<FleetState, number>> = { silent: 0, stopped: 1, moving: 2, alert: 3 };

function colorsNow(): SpriteColors & Readonly<Record<'accent' | 'ink', string>> {
  return {
    moving: color('moving'),
    stopped: color('stopped'),
    silent: color('silent'),
    alert: color('alert'),
    outline: color('outline'),
    accent: color('accent'),
    ink: color('ink'),
    land: color('land'),
  };
}

const worldPoint = ({ lat, lon }: LatLon): WorldPoint => [mercatorX(lon), mercatorY(lat)];

function positionAt({ from, to, startMs, endMs }: Glide, now: number): WorldPoint {
  const share = endMs <= startMs ? 1 : Math.min(1, Math.max(0, (now - startMs) / (endMs - startMs)));
  return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
}

function between({ before, after }: Zooming, share: number): View {
  const blend = (name: keyof View): number => before[name] + (after[name] - before[name]) * share;
  return { scale: blend('scale'), left: blend('left'), top: blend('top') };
}

/** cubic-bezier(0, 0, 0.25, 1), as in Leaflet's style sheet. */
function easeOut(share: number): number {
  let t = share;
  for (let i = 0; i < 6; i++) {
    const x = 3 * (1 - t) * t * t * 0.25 + t ** 3;
    const slope = 1.5 * t - 2.25 * t * t + 3 * t * t;
    t -= slope > 1e-4 ? (x - share) / slope : 0;
  }
  return 3 * (1 - t) * t * t + t ** 3;
}
