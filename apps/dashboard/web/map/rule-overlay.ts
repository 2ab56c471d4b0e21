// What the form of a rule shows on the map: its area or route, and where a back-test would have raised alerts.
import type { Alert } from '@milepost/alerts';
import * as L from 'leaflet';
import { h } from '../dom.ts';
import { dateTime } from '../format.ts';
import { type Shape, shapeLayer } from './shapes.ts';

/** More dots would hide the map. */
const mostDots = 1_000;

export class RuleOverlay {
  readonly #map: L.Map;
  readonly #shape = L.featureGroup();
  readonly #raised = L.featureGroup();
  /** Thousands of dots as elements would be slow. */
  readonly #renderer = L.canvas({ padding: 0.2 });

  constructor(map: L.Map) {
    this.#map = map;
    this.show();
  }

  show(): void {
    this.#shape.addTo(this.#map);
    this.#raised.addTo(this.#map);
  }

  hide(): void {
    this.#shape.remove();
    this.#raised.remove();
  }

  showShape(shape: Shape | undefined): void {
    this.#shape.clearLayers();
    if (shape) shapeLayer(shape).addTo(this.#shape);
  }

  showRaised(alerts: readonly Alert[], color: string): void {
    this.#raised.clearLayers();
    const style = { radius: 6, color, fillColor: color, fillOpacity: 0.45, weight: 2, renderer: this.#renderer };
    // Leaflet takes a text for markup: names are of users and devices.
    for (const { message, position, ts } of alerts.slice(0, mostDots))
      L.circleMarker([position.lat, position.lon], style)
        .bindTooltip(() => h('span', {}, `${dateTime(Date.parse(ts))} · ${message}`))
        .addTo(this.#raised);
  }

  /** Undefined where nothing is shown. */
  get bounds(): L.LatLngBounds | undefined {
    if (!this.#map.hasLayer(this.#shape)) return undefined;
    const bounds = this.#shape.getBounds().extend(this.#raised.getBounds());
    return bounds.isValid() ? bounds : undefined;
  }
}
