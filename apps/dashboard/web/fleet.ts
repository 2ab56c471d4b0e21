// The page's state: trucks, alerts, the server's clock, the selected truck. Notifies listeners of changes.
import type { Alert } from '@milepost/alerts';
import { type LiveMessage, movingFromKmh, silentAfterMs, type TruckRow, type TruckState } from '@milepost/live';

/** A truck is shown as alerting for this long after its alert. */
const alertingMs = 60_000;
const alertsLimit = 200;

export type FleetState = TruckState | 'alert';

/** A truck as the server sent it last, and what the page remembers of it. */
export interface Truck extends TruckRow {
  /** Its way on the map from the position before. */
  glide: Glide | undefined;
  /** The street at the position where it was last looked up. */
  street: { readonly lat: number; readonly lon: number; readonly name: string | undefined } | undefined;
}

/** x, y: Mercator's, 0 to 1 over the world. */
export type WorldPoint = readonly [x: number, y: number];

export interface Glide {
  readonly from: WorldPoint;
  readonly to: WorldPoint;
  readonly startMs: number;
  readonly endMs: number;
}

interface FleetEvents {
  /** The changed ones. */
  readonly trucks: readonly TruckRow[];
  /** New since the page was opened; empty where the list has changed otherwise. */
  readonly alerts: readonly Alert[];
  readonly select: string | undefined;
}

export class Fleet {
  readonly trucks = new Map<string, Truck>();
  /** Newest first. */
  alerts: readonly Alert[] = [];
  selectedId: string | undefined;
  /** Whether the server has sent its trucks: until then, no truck means nothing. */
  isKnown = false;
  readonly #events = new EventTarget();
  readonly #alertedAt = new Map<string, number>();
  readonly #clock: () => number;
  #clockAheadMs = 0;
  #lostAtMs: number | undefined;

  constructor(clock = Date.now) {
    this.#clock = clock;
  }

  on<Name extends keyof FleetEvents>(name: Name, listener: (detail: FleetEvents[Name]) => void): void {
    this.#events.addEventListener(name, (event) => listener((event as CustomEvent<FleetEvents[Name]>).detail));
  }

  /** Handles a message of /api/live. */
  take({ type, now, trucks, alerts }: LiveMessage): void {
    this.#clockAheadMs = now - this.#clock();
    this.#lostAtMs = undefined;
    this.isKnown = true;
    if (type === 'all') this.#forgetAllBut(trucks);
    for (const row of trucks) {
      const known = this.trucks.get(row.id);
      this.trucks.set(row.id, { ...row, glide: known?.glide, street: known?.street });
    }
    const fresh = this.#takeAlerts(alerts);
    this.#notify('trucks', trucks);
    if (fresh.length > 0) this.#notify('alerts', type === 'all' ? [] : fresh);
  }

  /** The connection is lost: until the next message, the time stands still. It is not the trucks that are silent. */
  lose(): void {
    this.#lostAtMs ??= this.now();
  }

  /** The current time by the server's clock. */
  now(): number {
    return this.#lostAtMs ?? this.#clock() + this.#clockAheadMs;
  }

  stateOf(truck: Truck, now = this.now()): FleetState {
    if (now - (this.#alertedAt.get(truck.id) ?? 0) < alertingMs) return 'alert';
    if (Math.abs(now - truck.heard) > silentAfterMs) return 'silent';
    return (truck.kmh ?? 0) >= movingFromKmh ? 'moving' : 'stopped';
  }

  select(id: string | undefined): void {
    if (id === this.selectedId) return;
    this.selectedId = id;
    this.#notify('select', id);
  }

  get selected(): Truck | undefined {
    return this.selectedId === undefined ? undefined : this.trucks.get(this.selectedId);
  }

  #notify<Name extends keyof FleetEvents>(name: Name, detail: FleetEvents[Name]): void {
    this.#events.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #forgetAllBut(trucks: readonly TruckRow[]): void {
    const ids = new Set(trucks.map(({ id }) => id));
    for (const id of this.trucks.keys()) if (!ids.has(id)) this.trucks.delete(id);
  }

  #takeAlerts(alerts: readonly Alert[]): readonly Alert[] {
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
