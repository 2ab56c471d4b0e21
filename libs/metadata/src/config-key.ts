// One configuration property as Kafka describes it: its type, its default, what it accepts. Texts are read by the rules of
// Kafka's own parser, so that a value is accepted here exactly where Kafka accepts it.

/** The value of a PASSWORD is never told to a client. */
export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'SHORT' | 'LONG' | 'DOUBLE' | 'LIST' | 'PASSWORD';

export interface ConfigKey {
  readonly name: string;
  readonly type: ConfigType;
  /** Null: not set, and something else (another property) decides. */
  readonly default: string | null;
  readonly accepts?: Check;
  /** False: known, listed and stored, but nothing here acts on it. */
  readonly hasEffect: boolean;
  readonly documentation: string;
}

/** What a property accepts beyond its type. `expected` ends the sentence "expected …". */
export interface Check {
  readonly expected: string;
  holds(value: ConfigValue): boolean;
}

/** INT, SHORT and LONG are bigint: a LONG does not fit a number. */
export type ConfigValue = bigint | number | boolean | string | readonly string[];

export type ParsedConfig =
  /** `text`: the value as Kafka prints it back. */
  { readonly text: string } | { readonly problem: string };

/** Parses a text as the property's type and checks it; the problem has the expected and the seen value. */
export function parseConfig(key: ConfigKey, text: string | null): ParsedConfig {
  if (text === null) return { problem: `${key.name}: expected ${key.type}, seen null` };
  const trimmed = text.trim();
  const value = parsers[key.type](trimmed);
  if (value === undefined) return { problem: `${key.name}: expected ${typeNames[key.type]}, seen "${text}"` };
  if (key.accepts && !key.accepts.holds(value))
    return { problem: `${key.name}: expected ${key.accepts.expected}, seen "${text}"` };
  return { text: print(key.type, value) };
}

const typeNames: Readonly<Record<ConfigType, string>> = {
  BOOLEAN: 'true or false',
  STRING: 'a text',
  INT: 'a whole number of 32 bits',
  SHORT: 'a whole number of 16 bits',
  LONG: 'a whole number of 64 bits',
  DOUBLE: 'a number',
  LIST: 'a list separated by commas',
  PASSWORD: 'a text',
};

const parsers: Readonly<Record<ConfigType, (text: string) => ConfigValue | undefined>> = {
  BOOLEAN: (text) => (/^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : undefined),
  STRING: (text) => text,
  INT: (text) => wholeNumber(text, 31n),
  SHORT: (text) => wholeNumber(text, 15n),
  LONG: (text) => wholeNumber(text, 63n),
  DOUBLE: (text) => (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined),
  PASSWORD: (text) => text,
  LIST: (text) => (text === '' ? [] : [...new Set(text.split(',').map((item) => item.trim()))]),
};

function wholeNumber(text: string, bits: bigint): bigint | undefined {
  if (!/^[+-]?\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return value >= -(1n << bits) && value < 1n << bits ? value : undefined;
}

function print(type: ConfigType, value: ConfigValue): string {
  if (typeof value === 'object') return value.join(',');
  return type === 'DOUBLE' ? printDouble(value as number) : String(value);
}

/** As Java does: always with a point, with an exponent from 10^7 on and below 10^-3. */
function printDouble(value: number): string {
  const size = Math.abs(value);
  const isPlain = value === 0 || (size >= 1e-3 && size < 1e7);
  const [digits = '', exponent] = (isPlain ? String(value) : value.toExponential()).split('e');
  const pointed = digits.includes('.') ? digits : `${digits}.0`;
  return exponent === undefined ? pointed : `${pointed}E${exponent.replace('+', '')}`;
}

export const atLeast = (least: number): Check => ({
  expected: `at least ${least}`,
  holds: (value) => (value as number | bigint) >= least,
});

export const between = (least: number, most: number): Check => ({
  expected: `${least} to ${most}`,
  holds: (value) => (value as number | bigint) >= least && (value as number | bigint) <= most,
});

export const either = (one: Check, other: Check): Check => ({
  expected: `${one.expected} or ${other.expected}`,
  holds: (value) => one.holds(value) || other.holds(value),
});

export const oneOf = (...names: readonly string[]): Check => ({
  expected: `one of ${names.join(', ')}`,
  holds: (value) => names.includes(value as string),
});

export const oneOfIgnoringCase = (...names: readonly string[]): Check => ({
  expected: `one of ${names.join(', ')}`,
  holds: (value) => names.includes((value as string).toLowerCase()),
});

export const listOf = (...names: readonly string[]): Check => ({
  expected: `a list of ${names.join(', ')}`,
  holds: (value) => (value as readonly string[]).every((item) => names.includes(item)),
});

export const listMatching = (pattern: RegExp, expected: string): Check => ({
  expected,
  holds: (value) => (value as readonly string[]).every((item) => pattern.test(item)),
});
