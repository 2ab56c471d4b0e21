// Milepost's own format, and common variants of it: JSON objects with at least a latitude and a longitude, under any
// usual spelling of the canonical names (`field-names.ts`); units are those of the names. One object, an array of them,
// one per line, a list in `positions`, older ones in `history`, or GeoJSON points.
// The time is ISO 8601 text, unchanged, or a number since 1970; without one it is the receive time. Fields without a
// canonical name are passed on in `other`, up to a limit.
import { type Decoded, decodedAs, type DecodedItem, type DecoderContext } from '../decoder.ts';
import { clockVerdict } from '../time.ts';
import { assemble } from './assemble.ts';
import { type DeviceNumber, Document } from './document.ts';
import { type KnownField, knownField } from './field-names.ts';
import { Others } from './others.ts';
import { isObject } from './payload.ts';
import type { NumberField } from '../position.ts';

const NAME = 'milepost';
const LISTS = ['positions', 'locations', 'points'] as const;
const OLDER = ['history', 'buffer'] as const;

export function decodeMilepost(payload: Buffer, context: DecoderContext): Decoded {
  const documents = Document.parse(payload);
  if (!Array.isArray(documents)) return documents as DecodedItem;
  const [first, ...more] = documents as [Document, ...Document[]];
  if (more.length === 0 && isSingle(first)) return decodeOne(first, context);
  const items = documents.flatMap((document: Document) => singlesOf(document)).map((one) => decodeOne(one, context));
  return decodedAs(items);
}

/** Nearly all documents are. */
function isSingle({ fields }: Document): boolean {
  return (
    !LISTS.some((key) => key in fields) &&
    !OLDER.some((key) => key in fields) &&
    !('geometry' in fields || 'features' in fields)
  );
}

/** In the order in which they were taken: history comes before the position that carries it. */
function singlesOf(document: Document): Document[] {
  const objectsAt = (key: string): Document[] | undefined => {
    const list = document.field(key);
    return Array.isArray(list) && list.length > 0 && list.every(isObject)
      ? list.map((one) => document.inner(one))
      : undefined;
  };
  const features = objectsAt('features');
  if (features) return features.flatMap((feature) => pointOf(feature) ?? feature);
  const point = pointOf(document);
  if (point) return [point];
  for (const key of LISTS) {
    const list = objectsAt(key);
    if (list) return list;
  }
  for (const key of OLDER) {
    const list = objectsAt(key);
    if (list) return [...list, document.inner(without(document.fields, key))];
  }
  return [document];
}

/** GeoJSON: `{"type":"Feature","geometry":{"type":"Point","coordinates":[lon,lat,alt?]},"properties":{…}}`. */
function pointOf(document: Document): Document | undefined {
  const geometry = document.field('geometry');
  if (!isObject(geometry) || geometry['type'] !== 'Point' || !Array.isArray(geometry['coordinates'])) return undefined;
  const [lon, lat, alt] = geometry['coordinates'] as unknown[];
  const properties = document.field('properties');
  return document.inner({
    lat,
    lon,
    ...(alt === undefined ? {} : { alt }),
    ...(isObject(properties) ? properties : {}),
  });
}

const without = (fields: Document['fields'], key: string): Document['fields'] =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => name !== key));

function decodeOne(document: Document, { truckId, receivedAtMs }: DecoderContext): DecodedItem {
  const keys = new Map<NumberField | 'ts' | 'ignition', { key: string; known: KnownField }>();
  const others = new Others();
  for (const key of Object.keys(document.fields)) {
    const known = knownField(key);
    if (known === undefined) {
      others.add(key, document.fields[key]);
      continue;
    }
    const field = known.kind === 'number' ? known.field : known.kind === 'time' ? 'ts' : 'ignition';
    const before = keys.get(field);
    const wins = before === undefined || isExact(key, field, known);
    if (before !== undefined) others.add(wins ? before.key : key, document.fields[wins ? before.key : key]);
    if (wins) keys.set(field, { key, known });
  }
  const optional = (field: NumberField): DeviceNumber | undefined => {
    const named = keys.get(field);
    return named && document.number(named.key, field, factorOf(named.known));
  };
  const required = (field: 'lat' | 'lon'): DeviceNumber => {
    const named = keys.get(field);
    return document.requiredNumber(named?.key ?? field, field, named ? factorOf(named.known) : 1);
  };
  const { ts, timeMs } = document.time(keys.get('ts')?.key ?? 'ts', receivedAtMs);
  const [lat, lon] = [required('lat'), required('lon')];
  const numbers = {
    lat,
    lon,
    speedKmh: optional('speedKmh'),
    headingDeg: optional('headingDeg'),
    altitudeM: optional('altitudeM'),
    accuracyM: optional('accuracyM'),
    odometerM: optional('odometerM'),
    fuelPct: optional('fuelPct'),
    batteryPct: optional('batteryPct'),
  };
  const ignition = document.boolean(keys.get('ignition')?.key ?? 'ignition');
  if (others.overflow !== undefined) document.drop('other', others.overflow);
  const position = assemble({ truckId, ts, source: NAME }, numbers, ignition, others.fields);
  if (document.problem) return document.problem;
  return {
    kind: 'position',
    position,
    clock: clockVerdict(timeMs, receivedAtMs),
    ...document.marks(lat.value, lon.value),
  };
}

const factorOf = (known: KnownField): number => (known.kind === 'number' ? known.factor : 1);

const isExact = (key: string, field: string, known: KnownField): boolean =>
  key === field || (known.kind === 'number' && known.isCanonical && key.toLowerCase() === field.toLowerCase());
