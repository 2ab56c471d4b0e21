// Drawing on the map: a polygon, a circle or a line, by pointer or by keyboard. While it lasts, clicks add points and select no truck.
//
// By keyboard: the arrow keys move the map below a cross in its middle, Enter adds a point there, Escape gives up.
import type { LonLat } from '@milepost/fleet';
import * as L from 'leaflet';
import { h } from '../dom.ts';
import { type Shape, shapeLayer } from './shapes.ts';

/** What can be drawn: several polygons at once cannot. */
export type DrawnKind = Exclude<Shape['type'], 'MultiPolygon'>;

interface Way {
  readonly leastPoints: number;
  /** Reached: it is complete. */
  readonly mostPoints: number;
  readonly hint: (points: number) => string;
}

const ways: Readonly<Record<DrawnKind, Way>> = {
  Polygon: {
    leastPoints: 3,
    mostPoints: 1_000,
    hint: (points) =>
      points === 0 ? 'Click the first corner of the area' : `${points} ${points === 1 ? 'corner' : 'corners'}`,
  },
  Circle: {
    leastPoints: 2,
    mostPoints: 2,
    hint: (points) => (points === 0 ? 'Click the middle of the circle' : 'Click where the circle ends'),
  },
  Line: {
    leastPoints: 2,
    mostPoints: 1_000,
    hint: (points) => (points === 0 ? 'Click where the line begins' : `${points} ${points === 1 ? 'point' : 'points'}`),
  },
};

export class Drawing {
  readonly #map: L.Map;
  readonly #bar = h('div', {
    class: 'drawing',
    role: 'group',
    'aria-label': 'Drawing',
    'data-testid': 'drawing',
    hidden: true,
  });
  readonly #cross = h('div', { class: 'cross', 'aria-hidden': 'true', hidden: true });
  /** Ends the drawing that is under way. */
  #end: (() => void) | undefined;

  constructor(map: L.Map) {
    this.#map = map;
    L.DomEvent.disableClickPropagation(this.#bar);
    map.getContainer().append(this.#bar, this.#cross);
  }

  get isActive(): boolean {
    return this.#end !== undefined;
  }

  /** Undefined: the user gave up, or another drawing began. */
  draw(kind: DrawnKind): Promise<Shape | undefined> {
    this.cancel();
    return new Promise((resolve) => this.#begin(kind, resolve));
  }

  cancel(): void {
    this.#end?.();
  }

  #begin(kind: DrawnKind, resolve: (shape: Shape | undefined) => void): void {
    const way = ways[kind];
    const map = this.#map;
    const points: LonLat[] = [];
    const distanceM: DistanceM = ([lon, lat], [toLon, toLat]) => map.distance([lat, lon], [toLat, toLon]);
    const preview = L.layerGroup().addTo(map);
    const say = h('span', { role: 'status' });
    const done = h('button', { type: 'button', class: 'primary', onclick: () => finish() }, 'Done');
    const undo = h('button', { type: 'button', onclick: () => (points.pop(), show()) }, 'Undo');
    const end = (shape?: Shape): void => {
      this.#end = undefined;
      preview.remove();
      map.off({ click: onClick, mousemove: onMove });
      map.doubleClickZoom.enable();
      map.getContainer().removeEventListener('keydown', onKey, true);
      map.getContainer().classList.remove('is-drawing');
      this.#bar.hidden = this.#cross.hidden = true;
      resolve(shape);
    };
    const finish = (): void => {
      const shape = points.length >= way.leastPoints ? shapeOf(kind, points, distanceM) : undefined;
      if (shape) end(shape);
    };
    const add = (latLng: L.LatLng): void => {
      const { lat, lng } = latLng.wrap();
      points.push([round(lng), round(lat)]);
      show();
      if (points.length >= way.mostPoints) finish();
    };
    const show = (pointer?: LonLat): void => {
      preview.clearLayers();
      const shown = pointer && points.length > 0 ? [...points, pointer] : points;
      const shape = shown.length >= way.leastPoints ? shapeOf(kind, shown, distanceM) : undefined;
      if (shape) shapeLayer(shape).addTo(preview);
      else if (shown.length > 1) shapeLayer({ type: 'Line', coordinates: shown }).addTo(preview);
      for (const [lon, lat] of points)
        L.circleMarker([lat, lon], { radius: 5, className: 'corner', interactive: false }).addTo(preview);
      say.textContent = way.hint(points.length);
      done.disabled = points.length < way.leastPoints;
      undo.disabled = points.length === 0;
    };
    const onClick = ({ latlng }: L.LeafletMouseEvent): void => add(latlng);
    const onMove = ({ latlng }: L.LeafletMouseEvent): void => show([latlng.lng, latlng.lat]);
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') end();
      else if (event.key === 'Enter' && event.target === map.getContainer()) add(map.getCenter());
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    this.#end = () => end();
    const cancel = h('button', { type: 'button', onclick: () => end() }, 'Cancel');
    this.#bar.replaceChildren(say, ...(way.mostPoints > 2 ? [done, undo] : []), cancel);
    this.#bar.hidden = this.#cross.hidden = false;
    map.on({ click: onClick, mousemove: onMove });
    map.doubleClickZoom.disable();
    map.getContainer().addEventListener('keydown', onKey, true);
    map.getContainer().classList.add('is-drawing');
    map.getContainer().focus({ preventScroll: true });
    show();
  }
}

/** Undefined: the points do not make one. */
function shapeOf(kind: DrawnKind, points: readonly LonLat[], distanceM: DistanceM): Shape | undefined {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return undefined;
  if (kind === 'Line') return { type: 'Line', coordinates: [...points] };
  if (kind === 'Polygon') return { type: 'Polygon', coordinates: [[...points, first]] };
  const radiusM = Math.round(distanceM(first, last));
  return radiusM > 0 ? { type: 'Circle', center: first, radiusM } : undefined;
}

type DistanceM = (from: LonLat, to: LonLat) => number;

/** To a decimeter. */
const round = (degrees: number): number => Math.round(degrees * 1e6) / 1e6;
