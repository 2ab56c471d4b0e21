// Each truck's newest position and recent trail, from a log in the order of arrival. A position that a device had
// stored arrives late and replaces nothing newer (`arrivalOf`). Records that were applied before change nothing, so a
// consumer may start too early.
import { type ArrivalsSoFar, arrivalOf, bearingDeg, distanceM, type Position } from '@milepost/fleet';
import { Trail, type TrailPoint } from './trail.ts';

export interface LiveTruck {
  readonly truckId: string;
  /** As the device sent it. */
  readonly position: Position;
  /** When the truck was there: the device time, or the receive time if that cannot be true. */
  readonly timeMs: number;
  readonly isClockWrong: boolean;
  /** When this position was received. */
  readonly receivedAtMs: number;
  /** When anything was last received from it: an old position that arrives late also shows that the truck is alive. */
  readonly heardAtMs: number;
  /** The device's, or derived from the previous position; undefined if neither is known. */
  readonly speedKmh: number | undefined;
  readonly headingDeg: number | undefined;
  /** Grows with every change of any truck. */
  readonly version: number;
}

export type TruckState = 'moving' | 'stopped' | 'silent';

/** Trail points this far after the present are forgotten: the clock that timed them has been set back. */
const aheadLimitMs = 60_000;
/** A truck is silent if nothing was received for this long. */
export const silentAfterMs = 60_000;
/** A slower truck is standing: GPS noise gives a parked truck some speed. */
export const movingFromKmh = 3;
/** Speed is derived only between positions this close in time. */
const derivedWithinMs = 300_000;
/** The number of trucks retained; beyond it the truck that was heard longest ago is removed. */
export const trucksLimit = 50_000;

/** A record of the log. */
export interface Place {
  readonly partition: number;
  readonly offset: number;
  /** The record's timestamp: the wall clock of the gateway that received it. */
  readonly receivedAtMs: number;
}

/** The applied part of a truck's records. */
interface Progress {
  readonly place: Place;
  readonly arrivals: ArrivalsSoFar;
}

export class LiveTrucks {
  readonly #trucks = new Map<string, LiveTruck>();
  readonly #progress = new Map<string, Progress>();
  readonly #trails = new Map<string, Trail>();
  #version = 0;

  /** Called for every position of the log. Returns when the truck was there, as far as known. */
  apply(position: Position, place: Place): number {
    const { truckId } = position;
    const { receivedAtMs } = place;
    const before = this.#progress.get(truckId);
    const { timeMs, isClockWrong, isNewest, soFar } = arrivalOf(position.ts, receivedAtMs, before?.arrivals);
    if (before && isApplied(place, before.place)) return timeMs;
    const { lat, lon, speedKmh } = position;
    const trail = this.#trailOf(truckId);
    trail.forgetAfter(receivedAtMs + aheadLimitMs);
    trail.add(speedKmh === undefined ? { timeMs, lat, lon } : { timeMs, lat, lon, speedKmh });
    this.#progress.set(truckId, { place, arrivals: soFar });
    const last = this.#trucks.get(truckId);
    if (last && !isNewest) {
      this.#set({ ...last, heardAtMs: receivedAtMs, version: ++this.#version });
      return timeMs;
    }
    const motion = motionOf(position, timeMs, last);
    this.#set({
      truckId,
      position,
      timeMs,
      isClockWrong,
      receivedAtMs,
      heardAtMs: receivedAtMs,
      speedKmh: motion.speedKmh,
      headingDeg: motion.headingDeg,
      version: ++this.#version,
    });
    return timeMs;
  }

  get size(): number {
    return this.#trucks.size;
  }

  /** The version of the last change, for the next call of `changedSince`. */
  get version(): number {
    return this.#version;
  }

  get(truckId: string): LiveTruck | undefined {
    return this.#trucks.get(truckId);
  }

  all(): Iterable<LiveTruck> {
    return this.#trucks.values();
  }

  changedSince(version: number): LiveTruck[] {
    return version === this.#version ? [] : [...this.#trucks.values()].filter((truck) => truck.version > version);
  }

  /** Oldest first; empty for an unknown truck. */
  trail(truckId: string): readonly TrailPoint[] {
    return this.#trails.get(truckId)?.points ?? [];
  }

  #trailOf(truckId: string): Trail {
    const trail = this.#trails.get(truckId) ?? new Trail();
    this.#trails.set(truckId, trail);
    return trail;
  }

  #set(truck: LiveTruck): void {
    this.#trucks.set(truck.truckId, truck);
    if (this.#trucks.size > trucksLimit) this.#forgetQuietest();
  }

  #forgetQuietest(): void {
    let quietest: LiveTruck | undefined;
    for (const truck of this.#trucks.values()) {
      if (!quietest || truck.heardAtMs < quietest.heardAtMs) quietest = truck;
    }
    if (!quietest) return;
    this.#trucks.delete(quietest.truckId);
    this.#progress.delete(quietest.truckId);
    this.#trails.delete(quietest.truckId);
  }
}

/** At a moment. If a truck was last heard in the future, the wall clock was set back since. */
export function stateOf({ heardAtMs, speedKmh }: LiveTruck, nowMs: number): TruckState {
  if (Math.abs(nowMs - heardAtMs) > silentAfterMs) return 'silent';
  return (speedKmh ?? 0) >= movingFromKmh ? 'moving' : 'stopped';
}

/**
 * Whether the record was applied before a restart. A truck lives in one partition, unless a producer chooses another
 * one.
 */
function isApplied(place: Place, last: Place): boolean {
  return place.partition === last.partition && place.offset <= last.offset;
}

interface Motion {
  readonly speedKmh: number | undefined;
  readonly headingDeg: number | undefined;
}

/** The device's values, or those derived from the two positions. */
function motionOf(position: Position, timeMs: number, last: LiveTruck | undefined): Motion {
  const isKnown = position.speedKmh !== undefined && position.headingDeg !== undefined;
  const derived = isKnown || last === undefined ? undefined : derivedMotion(position, timeMs, last);
  return {
    speedKmh: position.speedKmh ?? derived?.speedKmh,
    headingDeg: position.headingDeg ?? derived?.headingDeg ?? last?.headingDeg,
  };
}

function derivedMotion(position: Position, timeMs: number, last: LiveTruck) {
  const elapsedMs = timeMs - last.timeMs;
  if (elapsedMs < 500 || elapsedMs > derivedWithinMs) {
    return elapsedMs >= 0 && elapsedMs < 500 ? { speedKmh: last.speedKmh, headingDeg: undefined } : undefined;
  }
  const metres = distanceM(last.position, position);
  const speedKmh = (metres / (elapsedMs / 1_000)) * 3.6;
  return { speedKmh, headingDeg: metres > 5 ? bearingDeg(last.position, position) : undefined };
}
