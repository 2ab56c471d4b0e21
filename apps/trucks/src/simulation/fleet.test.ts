import { isInBox } from '@milepost/fleet';
import { cachedRoads, buildRouter, readRoads } from '@milepost/roads';
import * as files from 'node:fs';
import { createRequire } from 'node:module';
import { recordedDeviations } from '../recorded-noise.ts';
import { seededChance } from './chance.ts';
import { Device, type Fix, type Quirks, storedFixesLimit, usualQuirks } from './device.ts';
import { Drive, type Motion } from './drive.ts';
import { type FleetOptions, SimulatedFleet } from './fleet.ts';
import { Receiver } from './noise.ts';
import { city, demoQuirks, demoRoles } from './scenario.ts';

const network = createRequire(import.meta.url).resolve('geojson-path-finder/test/large-network.json');
const roads = readRoads(cachedRoads(files, network, '.cache/roads', String(process.pid)));
const router = buildRouter(roads);
const deviations = recordedDeviations();
const startMs = Date.UTC(2026, 5, 1, 8);
const faultless: Quirks = { duplicateChance: 0, offlinePerS: 0, offlineForS: [0, 0], clockOffsetsMs: [0] };

function fleet(more: Partial<FleetOptions> = {}): SimulatedFleet {
  return new SimulatedFleet({ router, deviations, trucks: 25, everyMs: 1_000, seed: 1, startMs, ...more });
}

test('the same seed drives the same trucks, another seed others', () => {
  const trip = (seed: number) => fleet({ seed }).advance(startMs + 60_000);
  expect(trip(1)).toEqual(trip(1));
  expect(trip(2)).not.toEqual(trip(1));
});

test('time may advance in any steps', () => {
  const [whole, stepwise] = [fleet({ trucks: 3 }), fleet({ trucks: 3 })];
  const fixes: Fix[] = [];
  for (let ms = 0; ms <= 120_000; ms += 300) fixes.push(...stepwise.advance(startMs + ms));
  const byTruck = (list: Fix[]) => Map.groupBy(list, ({ truckId }) => truckId);
  expect(byTruck(fixes)).toEqual(byTruck(whole.advance(startMs + 120_000)));
});

test('no truck goes faster than its road allows, and all of them get somewhere', () => {
  const trucks = fleet({ quirks: faultless });
  const begin = trucks.motions();
  let fastestKmh = 0;
  for (let second = 0; second < 900; second++) {
    trucks.advance(startMs + second * 1_000);
    for (const { speedKmh, limitKmh } of trucks.motions().values()) {
      expect(speedKmh).toBeLessThanOrEqual(limitKmh + 6); // braking for a lower limit may end just after its sign
      fastestKmh = Math.max(fastestKmh, speedKmh);
    }
  }
  expect(fastestKmh).toBeGreaterThan(65);
  for (const [id, motion] of trucks.motions()) expect(metresApart(motion, begin.get(id)!)).toBeGreaterThan(200);
});

test('a truck neither jumps nor brakes like a wall', () => {
  const drive = new Drive(router, seededChance(7));
  let before = drive.motion;
  for (let half = 0; half < 4_000; half++) {
    drive.advance(0.5);
    const { motion } = drive;
    expect(metresApart(before, motion)).toBeLessThan(Math.max(before.speedKmh, motion.speedKmh) * 0.14 + 1);
    expect(motion.speedKmh - before.speedKmh).toBeLessThan(2.1);
    before = motion;
  }
});

test('reported positions lie on drivable roads, within the noise of the recorded trace', () => {
  const fixes = fleet({ trucks: 6, quirks: faultless }).advance(startMs + 40_000);
  const strays = fixes
    .filter((_, i) => i % 4 === 0)
    .map((fix) => metresFromRoad(fix))
    .toSorted((a, b) => a - b);
  expect(strays.at(-1)).toBeLessThan(40);
  expect(strays[Math.floor(strays.length / 2)]).toBeLessThan(6);
  expect(strays[Math.floor(strays.length / 2)]).toBeGreaterThan(0.2);
});

test('the noise wanders: one error resembles the one before', () => {
  const receiver = new Receiver(deviations, seededChance(1));
  const errors = Array.from({ length: 2_000 }, () => receiver.next().eastM);
  const mean = (list: number[]) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const variance = mean(errors.map((error) => error ** 2));
  const neighbours = mean(errors.slice(1).map((error, i) => error * errors[i]!));
  expect(Math.sqrt(variance)).toBeGreaterThan(0.3);
  expect(neighbours / variance).toBeGreaterThan(0.3);
});

describe('a device', () => {
  const driving: Motion = {
    place: { lon: 11.97, lat: 57.7 },
    speedKmh: 50,
    headingDeg: 90,
    odometerM: 1_000,
    limitKmh: 50,
    isTunnel: false,
  };
  const device = (quirks: Partial<Quirks>) => {
    const chance = seededChance(3);
    return new Device('truck-001', new Receiver(deviations, chance), chance, { ...faultless, ...quirks });
  };

  test('has no fix in a tunnel and sends none later', () => {
    const tunnel = device({});
    expect(tunnel.report(driving, startMs)).toHaveLength(1);
    expect(tunnel.report({ ...driving, isTunnel: true }, startMs + 1_000)).toEqual([]);
    expect(tunnel.report(driving, startMs + 2_000)).toHaveLength(1);
  });

  test('sends the positions stored without network in one burst, in order, each with its own time', () => {
    const offline = device({ offlinePerS: 1, offlineForS: [10, 10] });
    expect(offline.report(driving, startMs)).toHaveLength(1);
    for (let second = 1; second < 11; second++) expect(offline.report(driving, startMs + second * 1_000)).toEqual([]);
    const patient = device({ offlinePerS: 0.0001, offlineForS: [10, 10] });
    patient.report(driving, startMs);
    const steps = Array.from({ length: 40_000 }, (_, i) => patient.report(driving, startMs + (i + 1) * 1_000));
    const burst = steps.find((fixes) => fixes.length > 2)!;
    expect(burst.length).toBe(11);
    burst.slice(1).forEach(({ tsMs }, i) => expect(tsMs - burst[i]!.tsMs).toBe(1_000));
  });

  test('drops its oldest positions when it is offline for too long', () => {
    const lost = device({ offlinePerS: 1, offlineForS: [2_000, 2_000] });
    lost.report(driving, startMs);
    const reports = Array.from({ length: 2_001 }, (_, i) => lost.report(driving, startMs + (i + 1) * 1_000));
    const after = lost.report(driving, startMs + 2_002_000);
    expect(Math.max(...reports.map(({ length }) => length), after.length)).toBeLessThanOrEqual(storedFixesLimit);
  });

  test('sends some positions twice', () => {
    const chatty = device({ duplicateChance: 1 });
    const [first, second] = chatty.report(driving, startMs);
    expect(second).toEqual(first);
  });

  test('may have a clock that is years off, and keeps it', () => {
    const wrong = device({ clockOffsetsMs: [-8_000 * 86_400_000] });
    const [fix] = wrong.report(driving, startMs);
    expect(new Date(fix!.tsMs).getUTCFullYear()).toBe(2004);
  });
});

test('of a thousand usual devices a few have wrong clocks, most are right', () => {
  const clocks = Array.from({ length: 1_000 }, (_, i) => {
    const chance = seededChance(i);
    return new Device(`t-${i}`, new Receiver(deviations, chance), chance, usualQuirks).clockOffsetMs;
  });
  const wrong = clocks.filter((offset) => offset !== 0).length;
  expect(wrong).toBeGreaterThan(5);
  expect(wrong).toBeLessThan(80);
});

test('within its first minute the demo has speeders, a truck that leaves the city and one that falls silent', () => {
  const trucks = fleet({ roles: demoRoles(router, 1), quirks: demoQuirks });
  const fixes = Array.from({ length: 60 }, (_, second) => trucks.advance(startMs + second * 1_000)).flat();
  const fast = new Set(fixes.filter(({ speedKmh = 0 }) => speedKmh > 90).map(({ truckId }) => truckId));
  expect(fast.size).toBeGreaterThanOrEqual(2);
  const wasIn = new Set<string>();
  const left = new Set<string>();
  for (const { truckId, lon, lat } of fixes) {
    if (isInBox({ lon, lat }, city)) wasIn.add(truckId);
    else if (wasIn.has(truckId)) left.add(truckId);
  }
  expect(left.size).toBeGreaterThanOrEqual(1);
  const lastOf7 = fixes.findLast(({ truckId }) => truckId === 'truck-007')!;
  expect(lastOf7.tsMs).toBeLessThan(startMs + 20_000);
});

type Somewhere = { place: { lon: number; lat: number } };

function metresApart(a: Somewhere, b: Somewhere): number {
  const shrink = Math.cos((a.place.lat * Math.PI) / 180);
  return Math.hypot((a.place.lon - b.place.lon) * 111_320 * shrink, (a.place.lat - b.place.lat) * 111_320);
}

function metresFromRoad({ lon, lat }: { lon: number; lat: number }): number {
  const shrink = Math.cos((lat * Math.PI) / 180);
  let best = Infinity;
  for (const { points, limitKmh } of roads) {
    if (limitKmh === 0) continue;
    for (let i = 1; i < points.length; i++) {
      const [ax, ay] = toMetres(points[i - 1]!);
      const [bx, by] = toMetres(points[i]!);
      const along = Math.min(1, Math.max(0, -(ax * (bx - ax) + ay * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)));
      best = Math.min(best, Math.hypot(ax + along * (bx - ax), ay + along * (by - ay)));
    }
  }
  return best;

  function toMetres([x, y]: readonly [number, number]): [number, number] {
    return [(x / 1e5 - lon) * 111_320 * shrink, (y / 1e5 - lat) * 111_320];
  }
}
