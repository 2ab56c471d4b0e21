// Each truck's last position and recent trail, kept from whatever order the log has them in. A truck's positions are
// ordered by its own clock as long as that can be believed, else by when they were received. The same position applied
// twice changes nothing, so a consumer that starts again may start too early.
import { bearingDeg, distanceM, parseTime, type Position } from '@milepost/fleet';
import { Trail, type TrailPoint } from './trail.ts';

export interface LiveTruck {
  readonly truckId: string;
  /** As the device sent it. */
  readonly position: Position;
  /** When it was there: the device's time, or the receive time where that cannot be true. */
  readonly timeMs: number;
  readonly isClockWrong: boolean;
  /** When this position was received. */
  readonly receivedAtMs: number;
  /** When anything was last received from it: an old position that comes late also says that the truck is alive. */
  readonly heardAtMs: number;
  /** The device's, else worked out from the position before; undefined where neither is known. */
  readonly speedKmh: number | undefined;
  readonly headingDeg: number | undefined;
  /** Grows with every change of any truck. */
  readonly version: number;
}

export type TruckState = 'moving' | 'stopped' | 'silent';

/** A clock this far ahead is wrong; less is the network's and the clocks' everyday jitter. */
export const aheadLimitMs = 60_000;
/** Positions older than this were not stored by a device that lost its network: they come from a wrong clock. */
export const behindLimitMs = 7 * 24 * 3_600_000;
/** Nothing newer for so long, and yet older positions come in: the device's clock was set back. */
export const clockSetBackAfterMs = 60_000;
/** Not heard for so long: silent. */
export const silentAfterMs = 60_000;
/** Slower is standing: what GPS noise makes of a parked truck. */
export const movingFromKmh = 3;
/** Speed is worked out only between positions this close in time. */
const derivedWithinMs = 300_000;
/** Trucks kept; the one that was heard longest ago gives way. */
export const trucksLimit = 50_000;

export class LiveTrucks {
  readonly #trucks = new Map<string, LiveTruck>();
  readonly #trails = new Map<string, Trail>();
  #version = 0;

  /** Called for every position of the log. Answers when it was there, as far as that is believed. */
  apply(position: Position, receivedAtMs: number): number {
    const { truckId } = position;
    const last = this.#trucks.get(truckId);
    const { timeMs, isClockWrong } = believedTime(position.ts, receivedAtMs);
    const { lat, lon, speedKmh } = position;
    this.#trailOf(truckId).add({ timeMs, lat, lon, ...(speedKmh === undefined ? {} : { speedKmh }) });
    const heardAtMs = Math.max(receivedAtMs, last?.heardAtMs ?? receivedAtMs);
    if (last && !replaces(last, timeMs, receivedAtMs)) {
      if (heardAtMs > last.heardAtMs) this.#keep({ ...last, heardAtMs, version: ++this.#version });
      return timeMs;
    }
    const motion = motionOf(position, timeMs, last);
    this.#keep({
      truckId,
      position,
      timeMs,
      isClockWrong,
      receivedAtMs,
      heardAtMs,
      ...motion,
      version: ++this.#version,
    });
    return timeMs;
  }

  get size(): number {
    return this.#trucks.size;
  }

  /** The version of the last change: what `changedSince` is asked with the next time. */
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

  /** Oldest first; empty for a truck that is not known. */
  trail(truckId: string): readonly TrailPoint[] {
    return this.#trails.get(truckId)?.points ?? [];
  }

  #trailOf(truckId: string): Trail {
    const trail = this.#trails.get(truckId) ?? new Trail();
    this.#trails.set(truckId, trail);
    return trail;
  }

  #keep(truck: LiveTruck): void {
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
    this.#trails.delete(quietest.truckId);
  }
}

/** Of a truck as it is known at a moment. */
export function stateOf({ heardAtMs, speedKmh }: LiveTruck, nowMs: number): TruckState {
  if (nowMs - heardAtMs > silentAfterMs) return 'silent';
  return (speedKmh ?? 0) >= movingFromKmh ? 'moving' : 'stopped';
}

/** Also for tracks: what was read back from the log is put in order by the same rule. */
export function believedTime(ts: string, receivedAtMs: number): { timeMs: number; isClockWrong: boolean } {
  const saidMs = parseTime(ts);
  const isBelieved =
    saidMs !== undefined && saidMs <= receivedAtMs + aheadLimitMs && saidMs >= receivedAtMs - behindLimitMs;
  return { timeMs: isBelieved ? saidMs : receivedAtMs, isClockWrong: !isBelieved };
}

function replaces(last: LiveTruck, timeMs: number, receivedAtMs: number): boolean {
  return timeMs >= last.timeMs || receivedAtMs - last.receivedAtMs > clockSetBackAfterMs;
}

/** The device's own word, else what lies between the two positions. */
function motionOf(position: Position, timeMs: number, last: LiveTruck | undefined) {
  const derived = last && derivedMotion(position, timeMs, last);
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
