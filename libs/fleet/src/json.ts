// JSON that preserves digits: `52.10` and `60.170000000000001` differ from the texts of the doubles they parse to, and
// a position keeps the device's text. Parsing with a reviver that sees the source costs five times JSON.parse, so one
// pass over the bytes first checks whether any number needs it; in real payloads few do.

export interface ExactJson {
  readonly value: unknown;
  /** The text of a number, if `String(number)` would differ. */
  digitsOf(holder: object, key: string): string | undefined;
}

/** Undefined where the bytes are not JSON. */
export function parseJson(bytes: Buffer): ExactJson | undefined {
  try {
    const text = bytes.toString('utf8');
    return hasUnusualNumber(bytes) ? parseKeepingDigits(text) : { value: JSON.parse(text), digitsOf: asPrinted };
  } catch {
    return undefined; // JSON.parse reports this only as an exception
  }
}

const asPrinted = (): undefined => undefined;

function parseKeepingDigits(text: string): ExactJson {
  const digits = new Map<object, Map<string, string>>();
  const value: unknown = (JSON.parse as ParseWithSource)(text, function (key, member, context) {
    if (typeof member === 'number' && context.source !== undefined && String(member) !== context.source) {
      const known = digits.get(this);
      if (known) known.set(key, context.source);
      else digits.set(this, new Map([[key, context.source]]));
    }
    return member;
  });
  return { value, digitsOf: (holder, key) => digits.get(holder)?.get(key) };
}

/** ES2026's `JSON.parse source text access`; TypeScript's es2024 library does not describe it yet. */
type ParseWithSource = (
  text: string,
  reviver: (this: object, key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_E = 0x45;
const LOWER_E = 0x65;
const EXACT_CHARS = 15; // a decimal of up to 15 digits survives the way through a double

/** A number with an exponent, a trailing zero after its dot, -0, many digits, or many zeros before its first. */
function hasUnusualNumber(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) at = endOfString(bytes, at);
    else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      const end = endOfNumber(bytes, at);
      if (isUnusualNumber(bytes, at, end)) return true;
      at = end - 1;
    }
  }
  return false;
}

function endOfString(bytes: Buffer, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

function endOfNumber(bytes: Buffer, start: number): number {
  let at = start + 1;
  while (at < bytes.length) {
    const byte = bytes[at] as number;
    const inside = (byte >= ZERO && byte <= NINE) || byte === DOT || byte === LOWER_E || byte === UPPER_E;
    if (!inside) break;
    at++;
  }
  return at;
}

function isUnusualNumber(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > EXACT_CHARS) return true;
  let dot = -1;
  let significant = false;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === DOT) dot = at;
    else if (byte === LOWER_E || byte === UPPER_E) return true;
    else if (byte !== ZERO && byte !== MINUS) significant = true;
    else if (dot >= 0 && !significant && at - dot > 5) return true; // String() turns to exponents below 1e-6
  }
  const endsInZero = bytes[end - 1] === ZERO;
  return (dot >= 0 && endsInZero) || (!significant && bytes[start] === MINUS);
}
