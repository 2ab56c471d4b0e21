// One truck's movement: along routes, at the limit of each road, braking in time for bends, lights and the end of the
// route, standing for a while, then on to the next place. Pure: time is seconds to advance, chance a seed.
import type { Leg, Place, Router } from '@milepost/roads';
import { between, type Chance, pick } from './chance.ts';

/** Where the truck truly is; its device may report something else (device.ts). */
export interface Motion {
  readonly place: Place;
  readonly speedKmh: number;
  readonly headingDeg: number;
  readonly odometerM: number;
  readonly limitKmh: number;
  readonly isTunnel: boolean;
}

const accelerationMs2 = 1.1;
const brakingMs2 = 1.7;
/** The longest time that movement is computed in one step. */
const stepS = 0.5;
const stopAtLightChance = 0.12;

export class Drive {
  readonly #router: Router;
  readonly #chance: Chance;
  /** How close to the limit this driver drives: at most 1, except for the speeding of a scenario. */
  readonly #style: number;
  #haste = 1;
  #plan: Plan;
  #leg = 0;
  #alongM = 0;
  #speedMs: number;
  #standS = 0;
  #odometerM: number;

  /** Starts on the way, at speed: a fleet that starts from a standstill looks like a race. */
  constructor(router: Router, chance: Chance, trip?: { from: Place; to: Place }) {
    this.#router = router;
    this.#chance = chance;
    this.#style = between(chance, 0.86, 0.99);
    this.#plan = trip ? this.#planBetween(trip.from, trip.to) : this.#planFrom(pick(chance, router.places));
    const first = this.#plan.legs[0];
    this.#speedMs = ((first?.limitKmh ?? 0) / 3.6) * this.#style;
    this.#odometerM = Math.round(between(chance, 20_000, 480_000)) * 1_000;
  }

  /** Above 1, the driver goes that much faster than usual. */
  hurry(haste: number): void {
    this.#haste = haste;
  }

  advance(seconds: number): void {
    for (let left = seconds; left > 0; left -= stepS) this.#step(Math.min(left, stepS));
  }

  get motion(): Motion {
    const leg = this.#plan.legs[this.#leg];
    if (!leg) throw new Error(`drive: leg ${this.#leg} of ${this.#plan.legs.length}`);
    const share = leg.lengthM === 0 ? 0 : this.#alongM / leg.lengthM;
    return {
      place: {
        lon: leg.from.lon + (leg.to.lon - leg.from.lon) * share,
        lat: leg.from.lat + (leg.to.lat - leg.from.lat) * share,
      },
      speedKmh: this.#speedMs * 3.6,
      headingDeg: leg.headingDeg,
      odometerM: this.#odometerM,
      limitKmh: leg.limitKmh,
      isTunnel: leg.isTunnel,
    };
  }

  #step(seconds: number): void {
    if (this.#standS > 0) {
      this.#standS -= seconds;
      return;
    }
    const wanted = this.#wantedMs();
    const change = wanted > this.#speedMs ? accelerationMs2 * seconds : -brakingMs2 * 2 * seconds;
    this.#speedMs = change > 0 ? Math.min(wanted, this.#speedMs + change) : Math.max(wanted, this.#speedMs + change);
    this.#roll(Math.max(this.#speedMs, 0.3) * seconds); // the last centimetres to a stop line are rolled
  }

  /** As fast as the road, the driver and the braking distance to the next slow point allow. */
  #wantedMs(): number {
    const leg = this.#plan.legs[this.#leg];
    if (!leg) return 0;
    const cruiseMs = (leg.limitKmh / 3.6) * this.#style * this.#haste;
    const exitMs = (this.#plan.entryMs[this.#leg + 1] ?? 0) * this.#haste;
    return Math.min(cruiseMs, Math.sqrt(exitMs ** 2 + 2 * brakingMs2 * (leg.lengthM - this.#alongM)));
  }

  #roll(distanceM: number): void {
    this.#odometerM += distanceM;
    this.#alongM += distanceM;
    for (let leg = this.#plan.legs[this.#leg]; leg && this.#alongM >= leg.lengthM; leg = this.#plan.legs[this.#leg]) {
      this.#alongM -= leg.lengthM;
      this.#leg += 1;
      const standS = this.#plan.standS.get(this.#leg);
      if (standS !== undefined) return this.#stand(standS, leg);
    }
  }

  #stand(seconds: number, arrivedOn: Leg): void {
    this.#standS = seconds;
    this.#speedMs = 0;
    this.#alongM = 0;
    if (this.#leg < this.#plan.legs.length) return;
    this.#plan = this.#planFrom(arrivedOn.to);
    this.#leg = 0;
  }

  #planFrom(place: Place): Plan {
    return this.#planBetween(place, pick(this.#chance, this.#router.places));
  }

  /** If there is no route, another destination is chosen: the two may be the same place. */
  #planBetween(from: Place, to: Place): Plan {
    for (let tries = 0, goal = to; tries < 20; tries++, goal = pick(this.#chance, this.#router.places)) {
      const legs = this.#router.route(from, goal);
      if (legs) return planOf(legs, this.#chance);
    }
    throw new Error(`drive: no route from ${from.lon},${from.lat} to any of 20 places`);
  }
}

/** A route with its slow points: the entry speed of each leg, and where and how long the truck stands. */
interface Plan {
  readonly legs: readonly Leg[];
  readonly entryMs: readonly number[];
  readonly standS: ReadonlyMap<number, number>;
}

function planOf(legs: readonly Leg[], chance: Chance): Plan {
  const standS = new Map([[legs.length, between(chance, 15, 90)]]);
  const entryMs = Array.from({ length: legs.length + 1 }, () => 0);
  for (let i = legs.length - 1; i >= 0; i--) {
    const [before, leg] = [legs[i - 1], legs[i]];
    if (!leg) continue;
    const turnDeg = before ? turnBetween(before.headingDeg, leg.headingDeg) : 0;
    if (before && leg.limitKmh <= 60 && turnDeg > 45 && chance() < stopAtLightChance) {
      standS.set(i, between(chance, 5, 35));
      continue; // entryMs remains 0
    }
    const brakedMs = Math.sqrt((entryMs[i + 1] ?? 0) ** 2 + 2 * brakingMs2 * leg.lengthM);
    entryMs[i] = Math.min(bendKmh(turnDeg) / 3.6, leg.limitKmh / 3.6, brakedMs);
  }
  return { legs, entryMs, standS };
}

function turnBetween(fromDeg: number, toDeg: number): number {
  return Math.abs(((toDeg - fromDeg + 540) % 360) - 180);
}

function bendKmh(turnDeg: number): number {
  if (turnDeg > 75) return 15;
  if (turnDeg > 45) return 25;
  if (turnDeg > 25) return 45;
  return 130;
}
