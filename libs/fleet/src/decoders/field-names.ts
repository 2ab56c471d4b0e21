// The names that devices use for the fields of a position, and the factors of their units.
import type { NumberField } from '../position.ts';

export type KnownField =
  | { readonly kind: 'number'; readonly field: NumberField; readonly factor: number; readonly isCanonical: boolean }
  | { readonly kind: 'time' | 'ignition' };

const KNOTS = 1.852;
const MILES = 1.609344;

/** Case, `_` and `-` are ignored. A speed without a unit in its name is in km/h, like the canonical one. */
const numbers: Readonly<Record<NumberField, Readonly<Record<string, number>>>> = {
  lat: { lat: 1, latitude: 1, latitudei: 1e-7 },
  lon: { lon: 1, lng: 1, long: 1, longitude: 1, longitudei: 1e-7 },
  speedKmh: {
    speedkmh: 1,
    speedkph: 1,
    kmh: 1,
    speed: 1,
    velocity: 1,
    vel: 1,
    speedmps: 3.6,
    speedknots: KNOTS,
    speedmph: MILES,
  },
  headingDeg: { headingdeg: 1, heading: 1, course: 1, bearing: 1, cog: 1, hdg: 1, direction: 1 },
  altitudeM: { altitudem: 1, altitude: 1, alt: 1, elevation: 1, ele: 1 },
  accuracyM: { accuracym: 1, accuracy: 1, acc: 1, hacc: 1 },
  odometerM: { odometerm: 1, odometerkm: 1000 },
  fuelPct: { fuelpct: 1, fuelpercent: 1 },
  batteryPct: { batterypct: 1, batterypercent: 1, battery: 1, batt: 1 },
};
const times = ['ts', 'timestamp', 'time', 'tst', 'datetime', 'fixtime', 'gpstime', 'devicetime', 'recordedat', 'utc'];
const ignitions = ['ignition', 'ign'];

const bySpelling = new Map<string, KnownField>([
  ...Object.entries(numbers).flatMap(([field, names]) =>
    Object.entries(names).map(
      ([name, factor]) =>
        [
          name,
          { kind: 'number', field: field as NumberField, factor, isCanonical: name === field.toLowerCase() },
        ] as const,
    ),
  ),
  ...times.map((name) => [name, { kind: 'time' }] as const),
  ...ignitions.map((name) => [name, { kind: 'ignition' }] as const),
]);

/** Cached spellings, up to a limit: a fleet's devices use the same few names again and again. */
const seen = new Map<string, KnownField | undefined>();
const MAX_SEEN = 1000;

export function knownField(name: string): KnownField | undefined {
  const known = seen.get(name);
  if (known !== undefined || seen.has(name)) return known;
  const field = bySpelling.get(name.toLowerCase().replaceAll(/[_\-\s]/g, ''));
  if (seen.size < MAX_SEEN) seen.set(name, field);
  return field;
}
