// All trucks on one canvas above the map. Trucks glide from position to position; a frame is drawn only when something
// moves. Sprites are drawn once per state and direction, so that a frame of a thousand trucks is a thousand copies.
import { mercatorX, mercatorY } from './roads.js';
import { colour } from './theme.js';

/** The longest time for a truck to glide to its last position. */
const longestGlideMs = 1_800;
/** A longer way is not animated: the truck jumps there. About 1.5 km. */
const farthestGlide = 1_500 / 40_075_017;
/** Leaflet's own zoom animation, which the canvas follows. */
const zoomMs = 250;
const spriteSize = 40;
const headingSteps = 72;
const touchPx = 20;
const labelsFromZoom = 14;
const labelsUpTo = 60;

export class TrucksLayer {
  #map;
  #fleet;
  #canvas = document.createElement('canvas');
  #pen = this.#canvas.getContext('2d');
  #sprites = new Map();
  #colours = {};
  #trail = [];
  #frame = 0;
  #zooming;
  #drawn = [];
  #hidden = () => false;
  #still = matchMedia('(prefers-reduced-motion: reduce)');

  constructor(map, fleet) {
    this.#map = map;
    this.#fleet = fleet;
    this.#canvas.className = 'trucks-canvas';
    this.#canvas.dataset.testid = 'markers';
    this.#canvas.setAttribute('role', 'img');
    map.getContainer().append(this.#canvas);
    map.on('move zoom viewreset resize moveend zoomend', () => this.#drawNow());
    map.on('zoomanim', ({ center, zoom }) => this.#followZoom(center, zoom));
    fleet.addEventListener('trucks', ({ detail }) => this.#glide(detail));
    fleet.addEventListener('select', () => this.#wake());
    setInterval(() => this.#wake(), 1_000); // a truck becomes silent by the clock alone
    this.readColours();
  }

  /** Call after the colors have changed. */
  readColours() {
    for (const name of ['moving', 'stopped', 'silent', 'alert', 'outline', 'accent', 'ink', 'surface', 'land'])
      this.#colours[name] = colour(name);
    this.#sprites.clear();
    this.#wake();
  }

  /** [{ lat, lon }], oldest first. */
  showTrail(points) {
    this.#trail = points.map(({ lat, lon }) => [mercatorX(lon), mercatorY(lat)]);
    this.#canvas.dataset.trailPoints = points.length;
    this.#wake();
  }

  extendTrail({ lat, lon }) {
    this.#trail.push([mercatorX(lon), mercatorY(lat)]);
    this.#canvas.dataset.trailPoints = this.#trail.length;
  }

  /** Hides trucks that the list has filtered out. */
  hide(isHidden) {
    this.#hidden = isHidden;
    this.#wake();
  }

  /** The id of the truck at a point of the map, if there is one. */
  truckAt({ x, y }) {
    let best = touchPx;
    let id;
    for (const drawn of this.#drawn) {
      const distance = Math.hypot(drawn.x - x, drawn.y - y);
      if (distance < best) [best, id] = [distance, drawn.id];
    }
    return id;
  }

  /** The current position of a truck on the map, in pixels. */
  placeOf(id) {
    return this.#drawn.find((drawn) => drawn.id === id);
  }

  #glide(trucks) {
    const now = performance.now();
    for (const { id } of trucks) {
      const truck = this.#fleet.trucks.get(id);
      const to = [mercatorX(truck.lon), mercatorY(truck.lat)];
      const from = truck.shown ? positionAt(truck.shown, now) : to;
      const isFar = Math.hypot(to[0] - from[0], to[1] - from[1]) > farthestGlide;
      const sinceMs = truck.shown ? now - truck.shown.startMs : 0;
      const glideMs = isFar || this.#still.matches ? 0 : Math.min(longestGlideMs, Math.max(250, sinceMs * 1.05));
      truck.shown = { from: isFar ? to : from, to, startMs: now, endMs: now + glideMs };
    }
    this.#wake();
  }

  #followZoom(center, zoom) {
    const before = this.#view();
    const scale = 256 * 2 ** zoom;
    const size = this.#map.getSize();
    const left = mercatorX(center.lng) * scale - size.x / 2;
    const top = mercatorY(center.lat) * scale - size.y / 2;
    this.#zooming = { before, after: { scale, left, top }, startMs: performance.now() };
    this.#wake();
  }

  #view() {
    const scale = 256 * 2 ** this.#map.getZoom();
    const origin = this.#map.getPixelBounds().min;
    return { scale, left: origin.x, top: origin.y };
  }

  #wake() {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#draw()) this.#wake();
    });
  }

  /** Within the event that moves the map: a frame later the trucks would lag behind. */
  #drawNow() {
    if (this.#zooming && performance.now() - this.#zooming.startMs < zoomMs) return this.#wake();
    this.#draw();
  }

  /** True while something is still moving. */
  #draw() {
    const now = performance.now();
    const { width, height } = this.#fitCanvas();
    const screen = this.#screenAt(now);
    const pen = this.#pen;
    pen.clearRect(0, 0, width, height);
    this.#drawTrail(screen);
    const moving = this.#drawTrucks(screen, now, width, height);
    this.#canvas.dataset.markers = this.#drawn.length;
    return moving || this.#zooming !== undefined;
  }

  #fitCanvas() {
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

  /** From the world (0 to 1) to pixels. While Leaflet zooms: between the two views, like its tiles. */
  #screenAt(now) {
    const share = this.#zooming ? (now - this.#zooming.startMs) / zoomMs : 1;
    if (share >= 1) {
      this.#zooming = undefined;
      const { scale, left, top } = this.#view();
      return ([x, y]) => [x * scale - left, y * scale - top];
    }
    const { before, after } = this.#zooming;
    const eased = easeOut(share);
    const blend = (name) => before[name] + (after[name] - before[name]) * eased;
    const [scale, left, top] = [blend('scale'), blend('left'), blend('top')];
    return ([x, y]) => [x * scale - left, y * scale - top];
  }

  #drawTrail(screen) {
    if (this.#trail.length === 0 || !this.#fleet.selected) return;
    const pen = this.#pen;
    const shown = this.#fleet.selected.shown;
    const points = this.#trail.slice(0, -1).map(screen);
    if (shown) points.push(screen(positionAt(shown, performance.now())));
    pen.lineJoin = pen.lineCap = 'round';
    const stroke = (style, width, from) => {
      pen.strokeStyle = style;
      pen.lineWidth = width;
      pen.beginPath();
      for (let i = from; i < points.length; i++) pen.lineTo(points[i][0], points[i][1]);
      pen.stroke();
    };
    stroke(this.#colours.outline, 7, 0);
    pen.globalAlpha = 0.5;
    stroke(this.#colours.accent, 4, 0);
    pen.globalAlpha = 1;
    stroke(this.#colours.accent, 4, Math.floor(points.length * 0.6));
  }

  #drawTrucks(screen, now, width, height) {
    const serverNow = this.#fleet.now();
    const zoom = this.#map.getZoom();
    const size = spriteSize * (zoom < 12 ? 0.72 : zoom < 14 ? 0.86 : 1) * (this.#fleet.trucks.size > 200 ? 0.85 : 1);
    let moving = false;
    this.#drawn = [];
    for (const truck of this.#fleet.trucks.values()) {
      if (!truck.shown || (this.#hidden(truck) && truck.id !== this.#fleet.selectedId)) continue;
      if (truck.shown.endMs > now) moving = true;
      const [x, y] = screen(positionAt(truck.shown, now));
      if (x < -size || y < -size || x > width + size || y > height + size) continue;
      this.#drawn.push({ id: truck.id, x, y, deg: truck.deg, state: this.#fleet.stateOf(truck, serverNow) });
    }
    const rankOf = ({ id, state }) => (id === this.#fleet.selectedId ? 9 : order[state]);
    this.#drawn.sort((a, b) => rankOf(a) - rankOf(b));
    for (const drawn of this.#drawn) {
      if (drawn.id === this.#fleet.selectedId || drawn.state === 'alert') this.#drawHalo(drawn, now);
      this.#pen.drawImage(this.#sprite(drawn.state, drawn.deg), drawn.x - size / 2, drawn.y - size / 2, size, size);
    }
    this.#drawLabels(zoom);
    return moving || (!this.#still.matches && this.#drawn.some(({ state }) => state === 'alert'));
  }

  #drawHalo({ id, x, y, state }, now) {
    const pen = this.#pen;
    const pulse = state === 'alert' && !this.#still.matches ? (now % 1600) / 1600 : 0.35;
    pen.beginPath();
    pen.arc(x, y, 13 + pulse * 12, 0, 2 * Math.PI);
    pen.fillStyle = state === 'alert' ? this.#colours.alert : this.#colours.accent;
    pen.globalAlpha = 0.34 * (1 - pulse);
    pen.fill();
    pen.globalAlpha = 1;
    if (id !== this.#fleet.selectedId) return;
    pen.beginPath();
    pen.arc(x, y, 17, 0, 2 * Math.PI);
    pen.strokeStyle = this.#colours.accent;
    pen.lineWidth = 2;
    pen.stroke();
  }

  #drawLabels(zoom) {
    const pen = this.#pen;
    const all = zoom >= labelsFromZoom && this.#drawn.length <= labelsUpTo;
    pen.font = '560 11.5px Inter, "Segoe UI", system-ui, sans-serif';
    pen.textAlign = 'center';
    pen.textBaseline = 'middle';
    pen.lineWidth = 3.5;
    pen.lineJoin = 'round';
    const labelled = [];
    for (const { id, x, y } of this.#drawn.toReversed()) {
      const isSelected = id === this.#fleet.selectedId;
      const isFree = () => labelled.every((other) => Math.abs(other.x - x) > 74 || Math.abs(other.y - y) > 15);
      if (!isSelected && !(all && isFree())) continue;
      labelled.push({ x, y });
      pen.strokeStyle = this.#colours.land;
      pen.fillStyle = this.#colours.ink;
      pen.strokeText(id, x, y + 25);
      pen.fillText(id, x, y + 25);
    }
  }

  #sprite(state, deg) {
    const step = state === 'stopped' || deg === undefined ? 0 : Math.round(deg / (360 / headingSteps)) % headingSteps;
    const key = `${state} ${deg === undefined ? '?' : step}`;
    if (!this.#sprites.has(key))
      this.#sprites.set(
        key,
        drawSprite(state, deg === undefined ? undefined : (step * 360) / headingSteps, this.#colours),
      );
    return this.#sprites.get(key);
  }
}

/** The most important state is drawn last. */
const order = { silent: 0, stopped: 1, moving: 2, alert: 3 };

function positionAt({ from, to, startMs, endMs }, now) {
  const share = endMs <= startMs ? 1 : Math.min(1, Math.max(0, (now - startMs) / (endMs - startMs)));
  return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
}

/** cubic-bezier(0, 0, 0.25, 1), as in Leaflet's style sheet. */
function easeOut(share) {
  let t = share;
  for (let i = 0; i < 6; i++) {
    const x = 3 * (1 - t) * t * t * 0.25 + t ** 3;
    const slope = 1.5 * t - 2.25 * t * t + 3 * t * t;
    t -= slope > 1e-4 ? (x - share) / slope : 0;
  }
  return 3 * (1 - t) * t * t + t ** 3;
}

function drawSprite(state, deg, colours) {
  const ratio = 2;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = spriteSize * ratio;
  const pen = canvas.getContext('2d');
  pen.scale(ratio, ratio);
  pen.translate(spriteSize / 2, spriteSize / 2);
  pen.lineJoin = 'round';
  pen.strokeStyle = colours.outline;
  pen.fillStyle = colours[state];
  const path = shapeOf(state, deg);
  if (deg !== undefined && state !== 'stopped') pen.rotate((deg * Math.PI) / 180);
  pen.lineWidth = 4.5;
  pen.stroke(path);
  if (state === 'silent') {
    pen.fillStyle = colours.land;
    pen.fill(path);
    pen.lineWidth = 2.2;
    pen.strokeStyle = colours.silent;
    pen.stroke(path);
  } else pen.fill(path);
  return canvas;
}

/** An arrow if there is a direction, a square for a standing truck, a dot if neither is known. */
function shapeOf(state, deg) {
  if (state === 'stopped') {
    const square = new Path2D();
    square.roundRect(-6, -6, 12, 12, 3.5);
    return square;
  }
  if (deg !== undefined) return new Path2D('M0 -12 L8.2 9.5 L0 5.2 L-8.2 9.5 Z');
  const dot = new Path2D();
  dot.arc(0, 0, 6.5, 0, 2 * Math.PI);
  return dot;
}
