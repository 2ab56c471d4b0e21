// The demo's scenario: among ordinary trucks some speed, two leave the city, one falls silent, one has a wrong clock,
// so that a viewer sees every kind of alert within a minute.
import { type Box, isInBox } from '@milepost/fleet';
import type { Leg, Place, Router } from '@milepost/roads';
import { pick, seededChance } from './chance.ts';
import { type Quirks, usualQuirks } from './device.ts';
import type { Role } from './fleet.ts';

/** The city's limits: the geofence of the demo. */
export const city: Box = { west: 11.875, south: 57.66, east: 12.075, north: 57.75 };

/** A truck that leaves this box is out of the city half a minute later. */
const almostAllOfTheCity: Box = { west: 11.88, south: 57.663, east: 12.07, north: 57.747 };

/** Offline now and then, but rarely long enough to fire the rule for silent trucks. */
export const demoQuirks: Quirks = { ...usualQuirks, offlinePerS: 1 / 3_000, offlineForS: [5, 28], clockOffsetsMs: [0] };

export function demoRoles(router: Router, seed: number): Map<number, Role> {
  const trips = tripsOf(router, router.places, seed);
  const byHaste = trips.toSorted((a, b) => b.fastM - a.fastM);
  const outside = router.places.filter((place) => !isInBox(place, city));
  const leaving = tripsOf(router, outside, seed);
  const faultless = { ...demoQuirks, offlinePerS: 0 };
  const speeding = (fromS: number): Role => ({
    hasteAt: (second) => ((second - fromS + 240) % 240 < 45 ? 1.65 : 1),
    quirks: faultless,
  });
  return new Map<number, Role>([
    [3, { ...speeding(8), ...tripOf(byHaste[0]) }],
    [11, { ...speeding(25), ...tripOf(byHaste[1]) }],
    [18, { ...speeding(120), ...tripOf(byHaste[2]) }],
    [5, { quirks: faultless, ...tripOf(leaving[0]), beginsAt: (place) => !isInBox(place, almostAllOfTheCity) }],
    [14, { quirks: faultless, ...tripOf(leaving[1]) }],
    [7, { quirks: faultless, isSilentAt: (second) => second % 600 > 15 && second % 600 < 165 }],
    [21, { quirks: { ...faultless, offlinePerS: 1 / 90, offlineForS: [12, 25] } }],
    [24, { quirks: { ...faultless, clockOffsetsMs: [-2 * 3_600_000] } }],
  ]);
}

interface Trip {
  readonly from: Place;
  readonly to: Place;
  /** The part of its first two kilometers on fast roads. */
  readonly fastM: number;
}

/** Enough to find fast ones, few enough to take no time. */
const draws = 150;

function tripsOf(router: Router, goals: readonly Place[], seed: number): Trip[] {
  const chance = seededChance(seed);
  return Array.from({ length: draws }, () => [pick(chance, router.places), pick(chance, goals)] as const).flatMap(
    ([from, to]) => {
      const legs = router.route(from, to);
      return legs ? [{ from, to, fastM: fastMetres(legs) }] : [];
    },
  );
}

function tripOf(trip: Trip | undefined): Pick<Role, 'trip'> {
  return trip ? { trip } : {};
}

function fastMetres(legs: readonly Leg[]): number {
  let [fastM, leftM] = [0, 2_000];
  for (const leg of legs) {
    const lengthM = Math.min(leg.lengthM, leftM);
    if (leg.limitKmh >= 70) fastM += lengthM;
    leftM -= lengthM;
  }
  return fastM;
}
