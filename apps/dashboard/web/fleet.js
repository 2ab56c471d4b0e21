// The page's state: trucks, alerts, the server's clock, the selected truck. Notifies listeners of changes.

/** A truck not heard for this long is silent (as on the server). */
const silentAfterMs = 60_000;
/** A truck is shown as alerting for this long after its alert. */
const alertingMs = 60_000;
const movingFromKmh = 3;
const alertsLimit = 200;

export class Fleet extends EventTarget {
  /** id -> { id, lat, lon, at, heard, kmh?, deg?, clockWrong?, shown: glide on the map } */
  trucks = new Map();
  /** Newest first. */
  alerts = [];
  selectedId = undefined;
  #alertedAt = new Map();
  #clockAheadMs = 0;

  /** Handles a message of /api/live. */
  take({ type, now, trucks, alerts }) {
    this.#clockAheadMs = now - Date.now();
    if (type === 'all') this.#forgetAllBut(trucks);
    for (const truck of trucks) this.trucks.set(truck.id, { ...this.trucks.get(truck.id), ...emptyTruck, ...truck });
    const fresh = this.#takeAlerts(alerts);
    this.dispatchEvent(new CustomEvent('trucks', { detail: trucks }));
    if (fresh.length > 0) this.dispatchEvent(new CustomEvent('alerts', { detail: type === 'all' ? [] : fresh }));
  }

  /** The current time by the server's clock. */
  now() {
    return Date.now() + this.#clockAheadMs;
  }

  stateOf(truck, now = this.now()) {
    if (now - (this.#alertedAt.get(truck.id) ?? 0) < alertingMs) return 'alert';
    if (Math.abs(now - truck.heard) > silentAfterMs) return 'silent';
    return (truck.kmh ?? 0) >= movingFromKmh ? 'moving' : 'stopped';
  }

  select(id) {
    if (id === this.selectedId) return;
    this.selectedId = id;
    this.dispatchEvent(new CustomEvent('select', { detail: id }));
  }

  get selected() {
    return this.trucks.get(this.selectedId);
  }

  #forgetAllBut(trucks) {
    const ids = new Set(trucks.map(({ id }) => id));
    for (const id of this.trucks.keys()) if (!ids.has(id)) this.trucks.delete(id);
  }

  #takeAlerts(alerts) {
    const known = new Set(this.alerts.map(({ alertId }) => alertId));
    const fresh = alerts.filter(({ alertId }) => !known.has(alertId));
    if (fresh.length === 0) return fresh;
    this.alerts = [...fresh, ...this.alerts].sort((a, b) => (a.ts < b.ts ? 1 : -1)).slice(0, alertsLimit);
    for (const { truckId, ts } of fresh) {
      this.#alertedAt.set(truckId, Math.max(Date.parse(ts), this.#alertedAt.get(truckId) ?? 0));
    }
    return fresh;
  }
}

/** Fields that a new position lacks must not remain from the previous one. */
const emptyTruck = { kmh: undefined, deg: undefined, clockWrong: undefined };
