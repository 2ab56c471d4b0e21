// The map: Leaflet with the roads below and the trucks above, its controls, and what the pointer does on it.
import * as L from 'leaflet';
import type { Alert } from '@milepost/alerts';
import type { MapView } from '../address.ts';
import { byId, h, svg } from '../dom.ts';
import type { Fleet } from '../fleet.ts';
import { type DrawnKind, Drawing } from './drawing.ts';
import type { Roads } from './roads.ts';
import { RoadsLayer } from './roads-layer.ts';
import { RuleOverlay } from './rule-overlay.ts';
import type { Shape } from './shapes.ts';
import { color } from '../theme.ts';
import { TrucksLayer } from './trucks-layer.ts';

const home = { center: [57.7055, 11.967] as L.LatLngTuple, zoom: 13 };
const isPhone = matchMedia('(max-width: 720px)').matches;

/** The least zoom at which a truck is shown: one that was selected, one that was asked for. */
export const placeZoom = { selected: 14, close: 15 } as const;

interface LatLon {
  readonly lat: number;
  readonly lon: number;
}

/** The panel covers the rest. */
const padding: L.FitBoundsOptions = isPhone
  ? { paddingTopLeft: [24, 24], paddingBottomRight: [24, 176] }
  : { paddingTopLeft: [392, 40], paddingBottomRight: [40, 40] };

export class FleetMap {
  readonly trucks: TrucksLayer;
  readonly #fleet: Fleet;
  readonly #map: L.Map;
  readonly #drawing: Drawing;
  readonly #overlay: RuleOverlay;
  #roads: RoadsLayer | undefined;

  constructor(fleet: Fleet) {
    const zoomSnap = isPhone ? 0.5 : 1; // a small screen has no room for half a fleet
    this.#fleet = fleet;
    this.#map = L.map('map', {
      ...home,
      zoomControl: false,
      maxZoom: 19,
      minZoom: 3,
      zoomSnap,
      attributionControl: false,
    });
    L.control.attribution({ prefix: false, position: isPhone ? 'topright' : 'bottomright' }).addTo(this.#map);
    L.control.scale({ imperial: false, position: 'bottomright' }).addTo(this.#map);
    L.control.zoom({ position: 'bottomright' }).addTo(this.#map);
    this.trucks = new TrucksLayer(this.#map, fleet);
    this.#drawing = new Drawing(this.#map);
    this.#overlay = new RuleOverlay(this.#map);
    this.#addFitButton();
    this.#addPointer();
  }

  /** Undefined: the user gave up, or another drawing began. */
  draw(kind: DrawnKind): Promise<Shape | undefined> {
    return this.#drawing.draw(kind);
  }

  endDrawing(): void {
    this.#drawing.cancel();
  }

  /** The area or route of a rule's form. */
  showShape(shape: Shape | undefined): void {
    this.#overlay.showShape(shape);
  }

  /** What the form of a rule shows on the map. */
  showRuleOverlay(): void {
    this.#overlay.show();
  }

  /** It is retained for `showRuleOverlay`; a drawing ends. */
  hideRuleOverlay(): void {
    this.#drawing.cancel();
    this.#overlay.hide();
  }

  /** Where a back-test would have raised alerts. */
  showRaised(alerts: readonly Alert[]): void {
    this.#overlay.showRaised(alerts, color('alert'));
  }

  /** Frames what the form of a rule shows, if it shows anything. */
  frameRule(): void {
    const bounds = this.#overlay.bounds;
    if (!bounds) return;
    const besidePanel: L.FitBoundsOptions = isPhone
      ? { ...padding, paddingBottomRight: [24, innerHeight / 2 + 16] }
      : padding;
    this.#map.fitBounds(bounds, { ...besidePanel, maxZoom: placeZoom.close });
  }

  showRoads(roads: Roads): void {
    this.#roads = new RoadsLayer(roads).addTo(this.#map);
  }

  /** Call after the colors have changed. */
  readColors(): void {
    this.trucks.readColors();
    this.#roads?.redraw();
  }

  get view(): MapView {
    const { lat, lng } = this.#map.getCenter();
    return { zoom: this.#map.getZoom(), lat, lon: lng };
  }

  set view({ lat, lon, zoom }: MapView) {
    this.#map.setView([lat, lon], zoom, { animate: false });
  }

  onMoved(listener: () => void): void {
    this.#map.on('moveend', listener);
  }

  /** In the middle of the area beside the panels, at that zoom or closer. */
  showAt({ lat, lon }: LatLon, leastZoom = 0): void {
    const zoom = Math.max(this.#map.getZoom(), leastZoom);
    const [x, y] = this.#freeMiddle();
    const size = this.#map.getSize();
    const point = this.#map.project([lat, lon], zoom).subtract([x - size.x / 2, y - size.y / 2]);
    this.#map.setView(this.#map.unproject(point, zoom), zoom, { animate: true });
  }

  isInSight({ lat, lon }: LatLon): boolean {
    const { x, y } = this.#map.latLngToContainerPoint([lat, lon]);
    const size = this.#map.getSize();
    if (isPhone) return x > 20 && y > 20 && x < size.x - 20 && y < size.y * 0.36;
    return x > 390 && y > 30 && x < size.x - 350 && y < size.y - 40;
  }

  /** Frames the trucks without the few farthest ones: one stray must not shrink the others to dots. */
  frameFleet(): void {
    const trucks = [...this.#fleet.trucks.values()];
    if (trucks.length === 0) return;
    const [south, north] = inner(trucks.map(({ lat }) => lat));
    const [west, east] = inner(trucks.map(({ lon }) => lon));
    const bounds: L.LatLngBoundsLiteral = [
      [south, west],
      [north, east],
    ];
    this.#map.fitBounds(bounds, { ...padding, maxZoom: placeZoom.close, animate: false });
  }

  #freeMiddle(): readonly [x: number, y: number] {
    const { x, y } = this.#map.getSize();
    if (isPhone) return [x / 2, y * (this.#fleet.selectedId ? 0.24 : 0.4)];
    return [(380 + x) / 2, y / 2];
  }

  #addFitButton(): void {
    const icon = svg(
      '0 0 24 24',
      '<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>',
    );
    const title = 'Show all trucks';
    const fit = h('a', { class: 'fit', href: '#', role: 'button', title, 'aria-label': title }, icon);
    L.DomEvent.disableClickPropagation(fit);
    fit.addEventListener('click', (event) => {
      event.preventDefault();
      this.frameFleet();
    });
    this.#map.getContainer().querySelector('.leaflet-control-zoom')?.append(fit);
  }

  /** Trucks are pixels: the pointer finds them by position. */
  #addPointer(): void {
    const tip = h('div', { class: 'tip', hidden: true });
    byId('map').append(tip);
    this.#map.on('click', ({ containerPoint }) => {
      if (!this.#drawing.isActive) this.#fleet.select(this.trucks.truckAt(containerPoint));
    });
    this.#map.on('mousemove', ({ containerPoint }) => {
      const id = this.#drawing.isActive ? undefined : this.trucks.truckAt(containerPoint);
      this.#map.getContainer().style.cursor = id ? 'pointer' : '';
      tip.hidden = !id || isPhone;
      if (id) this.#showTip(tip, id);
    });
    this.#map.on('mouseout', () => {
      tip.hidden = true;
    });
  }

  #showTip(tip: HTMLElement, id: string): void {
    const kmh = this.#fleet.trucks.get(id)?.kmh;
    const { x = 0, y = 0 } = this.trucks.placeOf(id) ?? {};
    tip.textContent = kmh === undefined ? id : `${id} · ${Math.round(kmh)} km/h`;
    tip.style.left = `${x}px`;
    tip.style.top = `${y}px`;
  }
}

/** The least and the greatest without a twentieth at either end. */
function inner(values: readonly number[]): readonly [least: number, greatest: number] {
  const sorted = values.toSorted((a, b) => a - b);
  const outside = Math.floor(sorted.length * 0.05);
  return [sorted[outside] ?? 0, sorted.at(-1 - outside) ?? 0];
}
