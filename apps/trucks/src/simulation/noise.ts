// The errors of a real receiver: the deviations of a recorded trace from its own smoothed path, in meters, in order. In
// order, because GPS errors wander and do not jump: a table of independent errors would make trucks tremble.
import { between, type Chance } from './chance.ts';

export interface Deviation {
  readonly eastM: number;
  readonly northM: number;
}

/** Fixes of the recording, in degrees, one a second. */
export type Trace = readonly (readonly [lon: number, lat: number])[];

/** The fixes on either side that the smoothed path averages. */
const smoothingFixes = 12;
/** A larger deviation means that the receiver was lost, or that the runner turned on the spot: neither is noise. */
const plausibleM = 25;

/** @throws Error for a trace that is too short to smooth. */
export function deviationsOf(trace: Trace): Deviation[] {
  if (trace.length <= 2 * smoothingFixes) throw new Error(`noise: expected a trace of fixes, saw ${trace.length}`);
  return trace.slice(smoothingFixes, -smoothingFixes).flatMap((fix, i) => {
    const window = trace.slice(i, i + 2 * smoothingFixes + 1);
    const deviation = deviationFrom(meanOf(window), fix);
    return Math.hypot(deviation.eastM, deviation.northM) < plausibleM ? [deviation] : [];
  });
}

function meanOf(window: Trace): [number, number] {
  let [lon, lat] = [0, 0];
  for (const [fixLon, fixLat] of window) {
    lon += fixLon / window.length;
    lat += fixLat / window.length;
  }
  return [lon, lat];
}

function deviationFrom([lon, lat]: readonly [number, number], fix: readonly [number, number]): Deviation {
  const metresPerDegree = 111_320;
  return {
    eastM: (fix[0] - lon) * metresPerDegree * Math.cos((lat * Math.PI) / 180),
    northM: (fix[1] - lat) * metresPerDegree,
  };
}

/** One receiver: reads the recording from its own position on, louder or quieter, and restarts at the end. */
export class Receiver {
  readonly #deviations: readonly Deviation[];
  readonly #gain: number;
  #next: number;

  constructor(deviations: readonly Deviation[], chance: Chance) {
    this.#deviations = deviations;
    this.#gain = between(chance, 0.8, 2);
    this.#next = Math.floor(chance() * deviations.length);
  }

  next(): Deviation {
    const { eastM, northM } = this.#deviations[this.#next++ % this.#deviations.length] ?? { eastM: 0, northM: 0 };
    return { eastM: eastM * this.#gain, northM: northM * this.#gain };
  }
}
