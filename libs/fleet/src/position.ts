// The canonical position: the result of every device format, and the value of a record in `truck_gps`. It preserves
// every digit: a number that a double or `String` would write otherwise has its own text in `digits`, which
// `encodePosition` writes. It preserves the device's own time: `ts` is the device's text.

export interface Position {
  readonly truckId: string;
  /** ISO 8601, as the device sent it (`parseTime` reads it). */
  readonly ts: string;
  readonly lat: number;
  readonly lon: number;
  readonly speedKmh?: number;
  readonly headingDeg?: number;
  readonly altitudeM?: number;
  readonly accuracyM?: number;
  readonly ignition?: boolean;
  readonly odometerM?: number;
  readonly fuelPct?: number;
  readonly batteryPct?: number;
  /** The format of the payload: the decoder's name. */
  readonly source: string;
  /** Fields of the device without a canonical name, as it sent them; at most 1 KB. */
  readonly other?: Readonly<Record<string, unknown>>;
  /** The device's digits, only for numbers whose text is not `String(number)`. */
  readonly digits?: Digits;
}

type Digits = Readonly<Partial<Record<NumberField, string>>>;

export type NumberField =
  | 'lat'
  | 'lon'
  | 'speedKmh'
  | 'headingDeg'
  | 'altitudeM'
  | 'accuracyM'
  | 'odometerM'
  | 'fuelPct'
  | 'batteryPct';

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The possible values of a number, ends included. */
export const RANGES: Readonly<Record<NumberField, Range>> = {
  lat: { from: -90, to: 90 },
  lon: { from: -180, to: 180 },
  speedKmh: { from: 0, to: 2000 },
  headingDeg: { from: 0, to: 360 },
  altitudeM: { from: -12_000, to: 100_000 },
  accuracyM: { from: 0, to: 40_100_000 },
  odometerM: { from: 0, to: Number.MAX_SAFE_INTEGER },
  fuelPct: { from: 0, to: 100 },
  batteryPct: { from: 0, to: 100 },
};

export const NUMBER_FIELDS = Object.keys(RANGES) as readonly NumberField[];

export const OPTIONAL_NUMBERS = [
  'speedKmh',
  'headingDeg',
  'altitudeM',
  'accuracyM',
  'odometerM',
  'fuelPct',
  'batteryPct',
] as const satisfies readonly NumberField[];

/** The record's value. Unless a number has digits of its own, that is the position's JSON. */
export function encodePosition(position: Position): Buffer {
  return position.digits === undefined
    ? Buffer.from(JSON.stringify(position))
    : Buffer.from(jsonWithDigits(position, position.digits));
}

/** Built by hand, to write numbers with the device's digits. `truckId`, `ts` and `source` need no escapes. */
function jsonWithDigits(position: Position, digits: Digits): string {
  let json = `{"truckId":"${position.truckId}","ts":"${position.ts}"`;
  json += `,"lat":${digits.lat ?? position.lat},"lon":${digits.lon ?? position.lon}`;
  for (const field of OPTIONAL_NUMBERS) {
    const value = position[field];
    if (value !== undefined) json += `,"${field}":${digits[field] ?? value}`;
  }
  if (position.ignition !== undefined) json += `,"ignition":${position.ignition}`;
  json += `,"source":"${position.source}"`;
  if (position.other !== undefined) json += `,"other":${JSON.stringify(position.other)}`;
  return `${json}}`;
}

/** Reads a record's value back, as consumers do. Undefined if it is not a position: another program wrote it. */
export function readPosition(value: Buffer | string): Position | undefined {
  let document: unknown;
  try {
    document = JSON.parse(value.toString());
  } catch {
    return undefined;
  }
  return isPosition(document) ? document : undefined;
}

/** Of a value that was read by any format. */
export function isPosition(document: unknown): document is Position {
  if (typeof document !== 'object' || document === null) return false;
  const position = document as Partial<Record<keyof Position, unknown>>;
  if (!inRange('lat', position.lat) || !inRange('lon', position.lon)) return false;
  if (typeof position.truckId !== 'string' || typeof position.ts !== 'string') return false;
  if (typeof position.source !== 'string') return false;
  for (const field of OPTIONAL_NUMBERS) {
    const value = position[field];
    if (value !== undefined && !inRange(field, value)) return false;
  }
  return true;
}

function inRange(field: NumberField, value: unknown): boolean {
  return typeof value === 'number' && value >= RANGES[field].from && value <= RANGES[field].to;
}
