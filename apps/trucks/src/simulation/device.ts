// Turns a truck's movement into a device's reports: noise, no fix in tunnels, a clock of its own, duplicates, and
// periods without network, whose positions are sent later in one burst, each with its own time.
import type { Place } from '@milepost/roads';
import type { Chance } from './chance.ts';
import { between } from './chance.ts';
import type { Motion } from './drive.ts';
import type { Receiver } from './noise.ts';

/** A device's message, before it is formatted. `tsMs` is by the device's own clock. */
export interface Fix {
  readonly truckId: string;
  readonly tsMs: number;
  readonly lat: number;
  readonly lon: number;
  readonly speedKmh?: number;
  readonly headingDeg?: number;
  readonly accuracyM?: number;
  readonly odometerM?: number;
  readonly altitudeM?: number;
  readonly ignition?: boolean;
}

/** The frequency of faults. Rates are per second, so that they do not depend on how often a device reports. */
export interface Quirks {
  readonly duplicateChance: number;
  readonly offlinePerS: number;
  readonly offlineForS: readonly [number, number];
  /** One entry is chosen for each device; 0 is a correct clock. */
  readonly clockOffsetsMs: readonly number[];
}

const hourMs = 3_600_000;

/** Like a fleet in the field: one device in fifty has a clock that is hours or years off. */
export const usualQuirks: Quirks = {
  duplicateChance: 0.01,
  offlinePerS: 1 / 1_500,
  offlineForS: [20, 120],
  clockOffsetsMs: [...Array.from({ length: 97 }, () => 0), -2 * hourMs, 40_000, -8_000 * 24 * hourMs],
};

/** Memory of a small device; the oldest positions are dropped. */
export const storedFixesLimit = 500;

export class Device {
  readonly truckId: string;
  readonly clockOffsetMs: number;
  readonly #receiver: Receiver;
  readonly #chance: Chance;
  readonly #quirks: Quirks;
  #offlineUntilMs = 0;
  #lastMs: number | undefined;
  #stored: Fix[] = [];

  constructor(truckId: string, receiver: Receiver, chance: Chance, quirks: Quirks) {
    this.truckId = truckId;
    this.#receiver = receiver;
    this.#chance = chance;
    this.#quirks = quirks;
    const { clockOffsetsMs } = quirks;
    this.clockOffsetMs = clockOffsetsMs[Math.floor(chance() * clockOffsetsMs.length)] ?? 0;
  }

  /** What the device sends now: nothing, a fix, a fix twice, or everything it had stored. */
  report(motion: Motion, nowMs: number): Fix[] {
    const sinceS = this.#lastMs === undefined ? 0 : (nowMs - this.#lastMs) / 1_000;
    this.#lastMs = nowMs;
    const deviation = this.#receiver.next();
    if (!motion.isTunnel) this.#store(this.#fixOf(motion, moved(motion.place, deviation), nowMs));
    if (nowMs < this.#offlineUntilMs) return [];
    if (this.#chance() < this.#quirks.offlinePerS * sinceS) {
      this.#offlineUntilMs = nowMs + between(this.#chance, ...this.#quirks.offlineForS) * 1_000;
      return [];
    }
    const leaving = this.#stored;
    this.#stored = [];
    const last = leaving.at(-1);
    return last && this.#chance() < this.#quirks.duplicateChance ? [...leaving, last] : leaving;
  }

  #store(fix: Fix): void {
    this.#stored.push(fix);
    if (this.#stored.length > storedFixesLimit) this.#stored.shift();
  }

  #fixOf(motion: Motion, place: Place, nowMs: number): Fix {
    const speedKmh = motion.speedKmh < 1 ? 0 : Math.max(0, motion.speedKmh + (this.#chance() - 0.5));
    const headingDeg = (motion.headingDeg + (this.#chance() - 0.5) * 6 + 360) % 360;
    return {
      truckId: this.truckId,
      tsMs: Math.round(nowMs + this.clockOffsetMs),
      lat: rounded(place.lat, 6),
      lon: rounded(place.lon, 6),
      speedKmh: rounded(speedKmh, 1),
      headingDeg: rounded(headingDeg, 0) % 360,
      accuracyM: 3 + Math.floor(this.#chance() * 5),
      odometerM: Math.round(motion.odometerM),
      ignition: true,
    };
  }
}

function moved({ lon, lat }: Place, { eastM, northM }: { eastM: number; northM: number }): Place {
  return { lon: lon + eastM / (111_320 * Math.cos((lat * Math.PI) / 180)), lat: lat + northM / 111_320 };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
