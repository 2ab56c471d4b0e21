// Which key of a document is which field of the position. That depends on the keys alone, and a fleet's devices send the
// same few lists of keys again and again: what was found for them is cached.
import { type NumberField, OPTIONAL_NUMBERS } from '../position.ts';
import { type KnownField, knownField } from './field-names.ts';

export interface NamedNumber<Field extends NumberField = NumberField> {
  readonly field: Field;
  readonly key: string;
  /** The document's number times this is in the field's unit. */
  readonly factor: number;
}

export interface DocumentNames {
  /** If the document has none: a number of the field's own name. */
  readonly lat: NamedNumber;
  readonly lon: NamedNumber;
  /** Only those that the document has, in the order of the position. */
  readonly optional: readonly NamedNumber<(typeof OPTIONAL_NUMBERS)[number]>[];
  /** If the document has none: `ts`. */
  readonly time: string;
  readonly ignition: string | undefined;
  /** Keys that are no field, or a field that another key names better. */
  readonly others: readonly string[];
  /** Nearly no document does: one of its keys is that of a list of positions, or of GeoJSON. */
  readonly mayHaveSeveral: boolean;
}

/** Keys of lists of positions. */
export const LISTS = ['positions', 'locations', 'points'] as const;
/** Keys of lists of positions that come before the one in the document. */
export const OLDER = ['history', 'buffer'] as const;
const OF_SEVERAL = new Set<string>([...LISTS, ...OLDER, 'geometry', 'features']);

/** Of lists of keys: a fleet has few kinds of devices. */
const MAX_CACHED = 16;
const MAX_CACHED_KEYS = 50;
/** The list that was used last comes first. */
const cached: { readonly keys: readonly string[]; readonly names: DocumentNames }[] = [];

export function namesOf(keys: readonly string[]): DocumentNames {
  for (let at = 0; at < cached.length; at++) {
    const entry = cached[at] as (typeof cached)[number];
    if (!isSame(entry.keys, keys)) continue;
    if (at > 0) cached.unshift(...cached.splice(at, 1));
    return entry.names;
  }
  const names = resolve(keys);
  if (keys.length > MAX_CACHED_KEYS) return names;
  cached.unshift({ keys, names });
  cached.length = Math.min(cached.length, MAX_CACHED);
  return names;
}

/** JSON.parse interns short keys, so that this compares pointers. */
function isSame(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

function resolve(keys: readonly string[]): DocumentNames {
  const named = new Map<NumberField | 'ts' | 'ignition', { readonly key: string; readonly known: KnownField }>();
  const others: string[] = [];
  for (const key of keys) {
    const known = knownField(key);
    if (known === undefined) {
      others.push(key);
      continue;
    }
    const field = known.kind === 'number' ? known.field : known.kind === 'time' ? 'ts' : 'ignition';
    const before = named.get(field);
    const wins = before === undefined || isExact(key, field, known);
    if (before !== undefined) others.push(wins ? before.key : key);
    if (wins) named.set(field, { key, known });
  }
  const number = <Field extends NumberField>(field: Field): NamedNumber<Field> => {
    const { key, known } = named.get(field) ?? { key: field, known: undefined };
    return { field, key, factor: known?.kind === 'number' ? known.factor : 1 };
  };
  return {
    lat: number('lat'),
    lon: number('lon'),
    optional: OPTIONAL_NUMBERS.filter((field) => named.has(field)).map(number),
    time: named.get('ts')?.key ?? 'ts',
    ignition: named.get('ignition')?.key,
    others,
    mayHaveSeveral: keys.some((key) => OF_SEVERAL.has(key)),
  };
}

const isExact = (key: string, field: string, known: KnownField): boolean =>
  key === field || (known.kind === 'number' && known.isCanonical && key.toLowerCase() === field.toLowerCase());
