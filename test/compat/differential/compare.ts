// Two transcripts, field by field.
import { identityOf } from './normal.ts';
import type { Line } from './stage.ts';

export interface Difference {
  /** `scenario · label · path`: what the list of allowed differences matches. */
  readonly where: string;
  readonly kafka: unknown;
  readonly ours: unknown;
}

const ABSENT = 'absent';

export function differencesOf(kafka: readonly Line[], ours: readonly Line[]): Difference[] {
  const found: Difference[] = [];
  const keyOf = ({ scenario, label }: Line): string => `${scenario} · ${label}`;
  const theirs = new Map(kafka.map((line) => [keyOf(line), line.answer]));
  const mine = new Map(ours.map((line) => [keyOf(line), line.answer]));
  for (const key of new Set([...theirs.keys(), ...mine.keys()])) {
    const [a, b] = [theirs, mine].map((answers) => (answers.has(key) ? answers.get(key) : ABSENT));
    for (const leaf of leaves(a, b, '')) found.push({ ...leaf, where: `${key} · ${leaf.where}` });
  }
  return found;
}

function* leaves(kafka: unknown, ours: unknown, path: string): Generator<Difference> {
  if (Array.isArray(kafka) && Array.isArray(ours)) return yield* items(kafka, ours, path);
  if (isObject(kafka) && isObject(ours)) {
    for (const name of new Set([...Object.keys(kafka), ...Object.keys(ours)]))
      yield* leaves(kafka[name], ours[name], path === '' ? name : `${path}.${name}`);
    return;
  }
  if (kafka !== ours) yield { where: path, kafka: kafka ?? ABSENT, ours: ours ?? ABSENT };
}

/** Items are identified by their names, else by their positions. */
function* items(kafka: readonly unknown[], ours: readonly unknown[], path: string): Generator<Difference> {
  const [a, b] = [named(kafka), named(ours)];
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const inside = `${path}[${name}]`;
    if (a.has(name) && b.has(name)) yield* leaves(a.get(name), b.get(name), inside);
    else if (a.has(name)) yield { where: inside, kafka: a.get(name), ours: ABSENT };
    else yield { where: inside, kafka: ABSENT, ours: b.get(name) };
  }
}

function named(list: readonly unknown[]): Map<string, unknown> {
  const names = list.map((item, place) => identityOf(item) ?? String(place));
  const isUnique = new Set(names).size === names.length;
  return new Map(list.map((item, place) => [isUnique ? (names[place] as string) : String(place), item]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
