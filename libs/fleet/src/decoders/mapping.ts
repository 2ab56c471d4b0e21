// Decoders by declaration: the path of each canonical field in a JSON document, and its unit there. Most formats of
// devices and platforms need no more (`formats.ts`), and neither does a custom JSON format.
import { decodedAs, type DecodedItem, type Decoder, type DecoderContext, type Marks } from '../decoder.ts';
import type { NumberField } from '../position.ts';
import { clockVerdict } from '../time.ts';
import { mapTruckId } from '../truck-id.ts';
import { assemble } from './assemble.ts';
import { type DeviceNumber, Document, type Located } from './document.ts';
import { isObject } from './payload.ts';

/**
 * `a.b.c`, each step a key, an index of a list, or `*` for the first object in it. Of several paths the first one with
 * a value counts.
 */
export type Path = string | readonly string[];

/** The factor that converts a number to the canonical unit. */
export const UNITS = {
  'km/h': 1,
  'm/s': 3.6,
  knots: 1.852,
  mph: 1.609344,
  m: 1,
  km: 1000,
  ft: 0.3048,
  deg: 1,
  '1e-7deg': 1e-7,
  '%': 1,
  fraction: 100,
} as const;
export type Unit = keyof typeof UNITS;

export interface MappedNumber {
  readonly path: Path;
  readonly unit: Unit;
}

export interface Mapping {
  /** The objects that contain one position each: a list in the document. Absent: the document is one. */
  readonly each?: string;
  /** The name of the truck; several paths are joined, like levels of a topic. Absent: the topic names it. */
  readonly device?: readonly Path[];
  readonly lat: MappedNumber | Path;
  readonly lon: MappedNumber | Path;
  /** Both in one text, `57.7,11.9`, in place of `lat` and `lon`. */
  readonly latLon?: Path;
  /** ISO 8601, or a number since 1970. Absent in a document: the receive time. */
  readonly ts?: Path;
  readonly numbers?: Partial<Readonly<Record<Exclude<NumberField, 'lat' | 'lon'>, MappedNumber>>>;
  readonly ignition?: Path;
  /** False there: the receiver had no fix, and the position is an older one. */
  readonly isValid?: Path;
}

type Key = NumberField | 'ts' | 'ignition' | 'latLon' | 'isValid';

export function mappedDecoder(name: string, mapping: Mapping): Decoder {
  const paths = pathsOf(mapping);
  const units = unitsOf(mapping);
  const locate = (fields: Readonly<Record<string, unknown>>, key: string): Located | undefined =>
    first(fields, paths.get(key as Key) ?? []);

  return (payload, context) => {
    const documents = Document.parse(payload);
    if (!Array.isArray(documents)) return documents as DecodedItem;
    const items = (documents as Document[])
      .flatMap((document) => partsOf(document, mapping.each))
      .map((part) => decodeOne(part.inner(part.fields, locate), context));
    return decodedAs(items);
  };

  function decodeOne(document: Document, context: DecoderContext): DecodedItem {
    const { receivedAtMs } = context;
    const named = mapping.device ? deviceOf(document.fields, mapping.device) : { truckId: context.truckId };
    if (named === undefined) {
      document.reject('missing-field', `expected a device at ${mapping.device?.flat().join(', ')}, saw none`);
    }
    const number = (field: NumberField): DeviceNumber | undefined =>
      paths.has(field) ? document.number(field, field, units.get(field)) : undefined;
    const { ts, timeMs } = document.time('ts', context);
    const { lat, lon } = coordinatesOf(document);
    const position = assemble(
      { truckId: named?.truckId ?? '', ts, source: name },
      {
        lat,
        lon,
        speedKmh: number('speedKmh'),
        headingDeg: number('headingDeg'),
        altitudeM: number('altitudeM'),
        accuracyM: number('accuracyM'),
        odometerM: number('odometerM'),
        fuelPct: number('fuelPct'),
        batteryPct: number('batteryPct'),
      },
      document.boolean('ignition'),
    );
    const { marks } = document.marks(lat.value, lon.value);
    const more: Marks = {
      ...marks,
      ...(document.boolean('isValid') === false ? { fix: 'none' } : {}),
      ...(named?.original === undefined ? {} : { device: named.original }),
    };
    if (document.problem) return document.problem;
    const verdict = { kind: 'position', position, clock: clockVerdict(timeMs, receivedAtMs) } as const;
    return Object.keys(more).length === 0 ? verdict : { ...verdict, marks: more };
  }

  function coordinatesOf(document: Document): { lat: DeviceNumber; lon: DeviceNumber } {
    const both = document.field('latLon');
    if (typeof both !== 'string') {
      return {
        lat: document.requiredNumber('lat', 'lat', units.get('lat')),
        lon: document.requiredNumber('lon', 'lon', units.get('lon')),
      };
    }
    const [lat = '', lon = ''] = both.split(',').map((text) => text.trim());
    const pair = document.inner({ lat, lon });
    const numbers = { lat: pair.requiredNumber('lat', 'lat'), lon: pair.requiredNumber('lon', 'lon') };
    if (pair.problem) document.problem ??= pair.problem;
    return numbers;
  }
}

function pathsOf(mapping: Mapping): ReadonlyMap<Key, readonly string[][]> {
  const { lat, lon, latLon, ts, ignition, isValid, numbers = {} } = mapping;
  const given = { lat, lon, latLon, ts, ignition, isValid, ...numbers };
  return new Map(
    Object.entries(given).flatMap(([key, value]) =>
      value === undefined ? [] : [[key as Key, pathOf(value).map((path) => path.split('.'))] as const],
    ),
  );
}

const isMapped = (value: MappedNumber | Path): value is MappedNumber => typeof value === 'object' && 'path' in value;
const pathOf = (value: MappedNumber | Path): readonly string[] => [isMapped(value) ? value.path : value].flat();

function unitsOf({ lat, lon, numbers = {} }: Mapping): ReadonlyMap<NumberField, number> {
  return new Map(
    Object.entries({ lat, lon, ...numbers }).map(([field, value]) => [
      field as NumberField,
      isMapped(value) ? UNITS[value.unit] : 1,
    ]),
  );
}

function partsOf(document: Document, each: string | undefined): readonly Document[] {
  if (each === undefined) return [document];
  const at = first(document.fields, [each.split('.')]);
  const list = at?.holder[at.key];
  return Array.isArray(list) && list.length > 0 && list.every(isObject)
    ? list.map((one) => document.inner(one))
    : [document];
}

function deviceOf(fields: Readonly<Record<string, unknown>>, device: readonly Path[]) {
  const levels = device.map((path) => {
    const at = first(
      fields,
      [path].flat().map((one) => one.split('.')),
    );
    const value = at?.holder[at.key];
    return typeof value === 'string' || typeof value === 'number' ? `${value}` : '';
  });
  return mapTruckId(levels);
}

/** The location of the first path with a value. */
function first(fields: Readonly<Record<string, unknown>>, paths: readonly (readonly string[])[]): Located | undefined {
  for (const path of paths) {
    const at = follow(fields, path);
    if (at !== undefined) return at;
  }
  return undefined;
}

function follow(fields: Readonly<Record<string, unknown>>, path: readonly string[]): Located | undefined {
  let holder: Readonly<Record<string, unknown>> = fields;
  for (const step of path.slice(0, -1)) {
    const next: unknown = step === '*' ? Object.values(holder).find(isObject) : own(holder, step);
    if (typeof next !== 'object' || next === null) return undefined;
    holder = next as Readonly<Record<string, unknown>>;
  }
  const key = path.at(-1) ?? '';
  const value = own(holder, key);
  return value === undefined || value === null ? undefined : { holder, key };
}

const own = (holder: Readonly<Record<string, unknown>>, key: string): unknown =>
  Object.hasOwn(holder, key) ? holder[key] : undefined;
