// Decoders by declaration: the path of each canonical field in a document, and its unit there. Most formats of devices
// and platforms need no more (`formats.ts`), and neither does a format of an operator's own (`declared.ts`).
import {
  decodedAs,
  type DecodedItem,
  type Decoder,
  type DecoderContext,
  type Marks,
  type Rejected,
} from '../decoder.ts';
import type { NumberField } from '../position.ts';
import { clockVerdict, isoTime } from '../time.ts';
import { mapTruckId } from '../truck-id.ts';
import { assemble } from './assemble.ts';
import { type DeviceNumber, type DeviceTime, Document, type Locate, type Located } from './document.ts';
import { Others } from './others.ts';
import { type DocumentPath, eachAt, firstAt, parsePath } from './path.ts';
import { type Fields, objectsOf, shown } from './payload.ts';
import { TIME_FORMATS, type TimeFormat, type Unit, UNITS } from './units.ts';

/** Of several paths (`path.ts`) the first one with a value counts. */
export type Path = string | readonly string[];

export interface MappedNumber {
  readonly path: Path;
  readonly unit: Unit;
}
/** The same for every position. */
export interface Constant {
  readonly value: string | number | boolean;
}

export interface Mapping {
  /** The objects that contain one position each. Absent: the document is one. */
  readonly each?: string;
  /** The name of the truck; several paths are joined, like levels of a topic. Absent: the topic names it. */
  readonly device?: readonly (Path | Constant)[];
  readonly lat?: MappedNumber | Path;
  readonly lon?: MappedNumber | Path;
  /** Both in one text, `57.7,11.9`, in place of `lat` and `lon`. */
  readonly latLon?: Path;
  /** ISO 8601, or a number since 1970. Absent in a document: the receive time. */
  readonly ts?: Path;
  /** Absent: a text is ISO 8601, and the size of a number tells its unit. */
  readonly time?: TimeFormat;
  readonly numbers?: Partial<Readonly<Record<Exclude<NumberField, 'lat' | 'lon'>, MappedNumber | Constant>>>;
  readonly ignition?: Path | Constant;
  /** False there: the receiver had no fix, and the position is an older one. */
  readonly isValid?: Path;
  /** Fields that are stored beside the canonical ones, by the name that they get. */
  readonly other?: Readonly<Record<string, Path>>;
}

type Key = NumberField | 'ts' | 'ignition' | 'latLon' | 'isValid';
/** The objects of a payload, or the reason why it has none. */
export type ReadFields = (payload: Buffer) => readonly Fields[] | Rejected;

export function mappedDecoder(name: string, mapping: Mapping, read: ReadFields = objectsOf): Decoder {
  const places = placesOf(mapping);
  const units = unitsOf(mapping);
  const each = mapping.each === undefined ? undefined : compiled(mapping.each);
  const device = mapping.device?.map(placeOf);
  const other = Object.entries(mapping.other ?? {}).map(([key, path]) => [key, compiled(path)] as const);

  return (payload, context) => {
    const objects = read(payload);
    if ('kind' in objects) return objects;
    const items = objects.flatMap(({ json, fields: root }) => {
      const locate: Locate = (fields, key) => at(fields, root, places.get(key as Key));
      const parts = each === undefined ? [root] : eachAt(root, each[0] as DocumentPath);
      return (parts.length === 0 ? [root] : parts).map((fields) =>
        decodeOne(new Document({ json, fields }, locate), root, context),
      );
    });
    return decodedAs(items);
  };

  function decodeOne(document: Document, root: Fields['fields'], context: DecoderContext): DecodedItem {
    const { receivedAtMs } = context;
    const named = device ? deviceOf(document.fields, root, device) : { truckId: context.truckId };
    if (named === undefined) {
      const paths = mapping.device?.map((one) => (typeof one === 'string' ? one : Object.values(one).join(', ')));
      document.reject('missing-field', `expected a device at ${paths?.join(', ')}, saw none`);
    }
    const number = (field: NumberField): DeviceNumber | undefined =>
      places.has(field) ? document.number(field, field, units.get(field)) : undefined;
    const { ts, timeMs } = timeOf(document, mapping.time, context);
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
      othersOf(document, root, other),
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

/** Where a field is: at a path of the document, or always the same. */
type Place = readonly DocumentPath[] | Located;

const at = (item: Fields['fields'], root: Fields['fields'], place: Place | undefined): Located | undefined =>
  place === undefined || 'holder' in place ? place : firstAt(item, root, place);

function placesOf(mapping: Mapping): ReadonlyMap<Key, Place> {
  const { lat, lon, latLon, ts, ignition, isValid, numbers = {} } = mapping;
  const given = { lat, lon, latLon, ts, ignition, isValid, ...numbers };
  return new Map(
    Object.entries(given).flatMap(([key, value]) =>
      value === undefined ? [] : [[key as Key, placeOf(value)] as const],
    ),
  );
}

function placeOf(value: MappedNumber | Constant | Path): Place {
  if (isConstant(value)) return { holder: { value: value.value }, key: 'value' };
  return compiled(isMapped(value) ? value.path : value);
}

const isMapped = (value: object | string): value is MappedNumber => typeof value === 'object' && 'path' in value;
const isConstant = (value: object | string): value is Constant => typeof value === 'object' && 'value' in value;

function compiled(path: Path): readonly DocumentPath[] {
  return [path].flat().map((text) => {
    const parsed = parsePath(text);
    if (!parsed) throw new TypeError(`expected a path, saw ${text}`);
    return parsed;
  });
}

function unitsOf({ lat, lon, numbers = {} }: Mapping): ReadonlyMap<NumberField, number> {
  return new Map(
    Object.entries({ lat, lon, ...numbers }).map(([field, value]) => [
      field as NumberField,
      value !== undefined && isMapped(value) ? UNITS[value.unit] : 1,
    ]),
  );
}

function timeOf(document: Document, format: TimeFormat | undefined, context: DecoderContext): DeviceTime {
  const value = document.field('ts');
  if (format === undefined || value === undefined || context.timeIsReceived) return document.time('ts', context);
  const factor = TIME_FORMATS[format];
  if (factor === undefined) {
    if (typeof value === 'string' && !/^[-+\d.]*$/.test(value)) return document.time('ts', context);
    document.reject('unreadable-time', `ts: expected an ISO 8601 time, saw ${shown(value)}`);
    return { ts: '', timeMs: 0 };
  }
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const timeMs = typeof number === 'number' ? Math.round(number * factor) : Number.NaN;
  const ts = isoTime(timeMs);
  if (ts === undefined) document.reject('unreadable-time', `ts: expected ${format} since 1970, saw ${shown(value)}`);
  return { ts: ts ?? '', timeMs: ts === undefined ? 0 : timeMs };
}

function deviceOf(item: Fields['fields'], root: Fields['fields'], device: readonly Place[]) {
  const levels = device.map((place) => {
    const found = at(item, root, place);
    const value = found?.holder[found.key];
    return typeof value === 'string' || typeof value === 'number' ? `${value}` : '';
  });
  return mapTruckId(levels);
}

function othersOf(
  document: Document,
  root: Fields['fields'],
  places: readonly (readonly [string, readonly DocumentPath[]])[],
): Readonly<Record<string, unknown>> | undefined {
  if (places.length === 0) return undefined;
  const others = new Others();
  for (const [name, paths] of places) {
    const found = firstAt(document.fields, root, paths);
    if (found) others.add(name, found.holder[found.key]);
  }
  if (others.overflow !== undefined) document.drop('other', others.overflow);
  return others.fields;
}
