// A fleet of simulated trucks: each drives, each has a device, each reports at its own moment of the interval.
// Pure and seeded: the same options and the same times give the same messages.
import type { Place, Router } from '@milepost/roads';
import { seededChance } from './chance.ts';
import { Device, type Fix, type Quirks, usualQuirks } from './device.ts';
import { Drive, type Motion } from './drive.ts';
import { type Deviation, Receiver } from './noise.ts';

export interface FleetOptions {
  readonly router: Router;
  readonly deviations: readonly Deviation[];
  readonly trucks: number;
  readonly everyMs: number;
  readonly seed: number;
  readonly startMs: number;
  readonly quirks?: Quirks;
  /** Additional events for a truck, by its number from 1. */
  readonly roles?: ReadonlyMap<number, Role>;
}

/** The part of one truck in a scenario. Seconds count from the fleet's start. */
export interface Role {
  readonly trip?: { readonly from: Place; readonly to: Place };
  /** Before the fleet starts, the truck drives until this holds for its place. */
  beginsAt?(place: Place): boolean;
  hasteAt?(second: number): number;
  isSilentAt?(second: number): boolean;
  readonly quirks?: Quirks;
}

export class SimulatedFleet {
  readonly #trucks: Truck[];
  readonly #startMs: number;
  readonly #everyMs: number;

  constructor(options: FleetOptions) {
    this.#startMs = options.startMs;
    this.#everyMs = options.everyMs;
    this.#trucks = Array.from({ length: options.trucks }, (_, i) => truckOf(i + 1, options));
  }

  /** The devices' messages up to this moment, in order of time for each truck. */
  advance(toMs: number): Fix[] {
    return this.#trucks.flatMap((truck) => this.#report(truck, toMs));
  }

  /** Where the trucks truly are. */
  motions(): Map<string, Motion> {
    return new Map(this.#trucks.map(({ device, drive }) => [device.truckId, drive.motion]));
  }

  #report(truck: Truck, toMs: number): Fix[] {
    const fixes: Fix[] = [];
    for (; truck.nextMs <= toMs; truck.nextMs += this.#everyMs) {
      const second = (truck.nextMs - this.#startMs) / 1_000;
      truck.drive.hurry(truck.role?.hasteAt?.(second) ?? 1);
      truck.drive.advance((truck.nextMs - truck.lastMs) / 1_000);
      truck.lastMs = truck.nextMs;
      if (truck.role?.isSilentAt?.(second)) continue;
      fixes.push(...truck.device.report(truck.drive.motion, truck.nextMs));
    }
    return fixes;
  }
}

interface Truck {
  readonly drive: Drive;
  readonly device: Device;
  readonly role: Role | undefined;
  nextMs: number;
  lastMs: number;
}

function truckOf(number: number, options: FleetOptions): Truck {
  const chance = seededChance(options.seed * 100_003 + number);
  const role = options.roles?.get(number);
  const receiver = new Receiver(options.deviations, chance);
  const drive = new Drive(options.router, chance, role?.trip);
  for (let s = 0; s < longestPreludeS && role?.beginsAt?.(drive.motion.place) === false; s++) drive.advance(1);
  return {
    drive,
    device: new Device(truckId(number), receiver, chance, role?.quirks ?? options.quirks ?? usualQuirks),
    role,
    lastMs: options.startMs,
    nextMs: options.startMs + Math.floor(chance() * options.everyMs),
  };
}

const longestPreludeS = 3_600;

export function truckId(number: number): string {
  return `truck-${String(number).padStart(3, '0')}`;
}
