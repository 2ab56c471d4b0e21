// Paths into a JSON document: keys with dots between them, indexes of lists in brackets, and unusual keys in quotes:
// `a.b`, `points[0].lat`, `["a.b"].c`. `$.` begins at the whole document instead of one of its positions. `[*]` is every
// element of a list, or every value of an object. Not a query language: no conditions, no search in depth.
import type { Located } from './document.ts';

export const ANY: unique symbol = Symbol('any');
export type Step = string | typeof ANY;

export interface DocumentPath {
  readonly isFromRoot: boolean;
  readonly steps: readonly Step[];
}

type Holder = Readonly<Record<string, unknown>>;

const MAX_CHARS = 256;
const MAX_STEPS = 16;
const STEP = /\[(\d{1,6})\]|\[(\*)\]|\["([^"\\]{1,100})"\]|(?:^|\.)([^.[\]"\s]+)/y;

/** Undefined if it is not a path. */
export function parsePath(text: string): DocumentPath | undefined {
  const isFromRoot = text === '$' || /^\$[.[]/.test(text);
  const rest = isFromRoot ? text.slice(text[1] === '.' ? 2 : 1) : text;
  if (text.length > MAX_CHARS || rest.startsWith('.') || (rest === '' && !isFromRoot)) return undefined;
  const steps: Step[] = [];
  STEP.lastIndex = 0;
  for (let at = 0; at < rest.length; at = STEP.lastIndex) {
    STEP.lastIndex = at;
    const [, index, any, quoted, key] = STEP.exec(rest) ?? [];
    const step = any !== undefined || key === '*' ? ANY : (index ?? quoted ?? key);
    if (step === undefined || steps.length === MAX_STEPS) return undefined;
    steps.push(step);
  }
  return { isFromRoot, steps };
}

/** The place of the first path with a value; null counts as none. Of `[*]` the first object. */
export function firstAt(item: Holder, root: Holder, paths: readonly DocumentPath[]): Located | undefined {
  for (const { isFromRoot, steps } of paths) {
    const at = placeOf(isFromRoot ? root : item, steps);
    if (at !== undefined) return at;
  }
  return undefined;
}

function placeOf(from: Holder, steps: readonly Step[]): Located | undefined {
  let holder = from;
  for (let at = 0; at < steps.length - 1; at++) {
    const step = steps[at] as Step;
    const next = step === ANY ? Object.values(holder).find(isHolder) : own(holder, step);
    if (!isHolder(next)) return undefined;
    holder = next;
  }
  const key = steps[steps.length - 1];
  if (key === undefined || key === ANY) return undefined;
  const value = own(holder, key);
  return value === undefined || value === null ? undefined : { holder, key };
}

/** Every object and list at the path, in order. */
export function eachAt(root: Holder, { steps }: DocumentPath): Holder[] {
  let found: unknown[] = [root];
  for (const step of steps) {
    found = found.flatMap((holder) => {
      if (!isHolder(holder)) return [];
      return step === ANY ? Object.values(holder) : [own(holder, step)];
    });
  }
  return found.filter(isHolder);
}

const isHolder = (value: unknown): value is Holder => typeof value === 'object' && value !== null;
const own = (holder: Holder, key: string): unknown => (Object.hasOwn(holder, key) ? holder[key] : undefined);
