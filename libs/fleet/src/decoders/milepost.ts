// Milepost's own format, and common variants of it: JSON objects with at least a latitude and a longitude, under any
// usual spelling of the canonical names (`field-names.ts`); units are those of the names. One object, an array of them,
// one per line, a list in `positions`, older ones in `history`, or GeoJSON points.
// The time is ISO 8601 text, unchanged, or a number since 1970; without one it is the receive time. Fields without a
// canonical name are passed on in `other`, up to a limit.
import { type Decoded, decodedAs, type DecodedItem, type DecoderContext } from '../decoder.ts';
import { clockVerdict } from '../time.ts';
import { assemble, type Numbers } from './assemble.ts';
import { Document } from './document.ts';
import { type DocumentNames, LISTS, namesOf, OLDER } from './document-names.ts';
import { Others } from './others.ts';
import { isObject } from './payload.ts';

const NAME = 'milepost';

export function decodeMilepost(payload: Buffer, context: DecoderContext): Decoded {
  const documents = Document.parse(payload);
  if (!Array.isArray(documents)) return documents as DecodedItem;
  const [first, ...more] = documents as [Document, ...Document[]];
  const names = namesOf(Object.keys(first.fields));
  if (more.length === 0 && !names.mayHaveSeveral) return decodeNamed(first, names, context);
  const items = documents.flatMap((document: Document) => singlesOf(document)).map((one) => decodeOne(one, context));
  return decodedAs(items);
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

const decodeOne = (document: Document, context: DecoderContext): DecodedItem =>
  decodeNamed(document, namesOf(Object.keys(document.fields)), context);

function decodeNamed(document: Document, names: DocumentNames, context: DecoderContext): DecodedItem {
  const { truckId, receivedAtMs } = context;
  const { ts, timeMs } = document.time(names.time, context);
  const lat = document.requiredNumber(names.lat.key, 'lat', names.lat.factor);
  const lon = document.requiredNumber(names.lon.key, 'lon', names.lon.factor);
  const numbers: Numbers = { lat, lon };
  for (const { field, key, factor } of names.optional) numbers[field] = document.number(key, field, factor);
  const ignition = names.ignition === undefined ? undefined : document.boolean(names.ignition);
  const other = othersOf(document, names.others);
  const position = assemble({ truckId, ts, source: NAME }, numbers, ignition, other);
  if (document.problem) return document.problem;
  return {
    kind: 'position',
    position,
    clock: clockVerdict(timeMs, receivedAtMs),
    ...document.marks(lat.value, lon.value),
  };
}

function othersOf(document: Document, names: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  if (names.length === 0) return undefined;
  const others = new Others();
  for (const name of names) others.add(name, document.fields[name]);
  if (others.overflow !== undefined) document.drop('other', others.overflow);
  return others.fields;
}
