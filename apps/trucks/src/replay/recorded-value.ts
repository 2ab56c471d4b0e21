// Numbers, coordinates and times of recordings, parsed strictly: undefined if the whole text is not one of them. A time
// without a zone is UTC, wherever this runs.
import { parseTime } from '@milepost/fleet';

/** `57.702`, `57,702` (a decimal comma), `1e3`; surrounding blanks are fine. */
export function recordedNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const text = value.trim().replace(/^([-+]?\d+),(\d+)$/, '$1.$2');
  if (!/^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text)) return undefined;
  return Number(text);
}

const HEMISPHERE = /^([NSEW])?\s*([^NSEW]+?)\s*([NSEW])?$/i;
const DEGREES_MINUTES =
  /^(\d+)\s*[°:d ]\s*(\d+(?:[.,]\d+)?)\s*['′m]?\s*(?:[: ]?\s*(\d+(?:[.,]\d+)?)\s*(?:["″s]|'')?)?$/;

/**
 * Degrees, south and west negative: `-33.9`, `33.9 S`, `W70.6`, `33° 54' 0" S`. `hemisphere` is the value of a separate
 * column: one of N S E W, or empty.
 */
export function recordedDegrees(value: unknown, hemisphere = ''): number | undefined {
  if (typeof value === 'number') return signed(value, hemisphere);
  if (typeof value !== 'string') return undefined;
  const [, before, amount = '', after] = HEMISPHERE.exec(value.trim()) ?? [];
  const written = before ?? after;
  if (before !== undefined && after !== undefined) return undefined;
  return signed(recordedNumber(amount) ?? sexagesimal(amount), written ?? hemisphere);
}

function sexagesimal(text: string): number | undefined {
  const match = DEGREES_MINUTES.exec(text);
  if (!match) return undefined;
  const [degrees = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => recordedNumber(part) ?? 0);
  return minutes < 60 && seconds < 60 ? degrees + minutes / 60 + seconds / 3600 : undefined;
}

/** A sign and a hemisphere do not cancel out: `-33.9 S` is south. */
function signed(degrees: number | undefined, hemisphere: string): number | undefined {
  if (degrees === undefined || !Number.isFinite(degrees)) return undefined;
  const letter = hemisphere.trim().toUpperCase();
  if (letter === '') return degrees;
  if (/^(S|W|SOUTH|WEST)$/.test(letter)) return -Math.abs(degrees);
  return /^(N|E|NORTH|EAST)$/.test(letter) ? degrees : undefined;
}

const FIRST_MILLISECONDS = 1e11;
const FIRST_MICROSECONDS = 1e14;
const FIRST_NANOSECONDS = 1e17;
const DAY_FIRST = /^(\d{1,2})\.(\d{1,2})\.(\d{4})\b/;
const LOOSE =
  /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2}):(\d\d)(:\d\d(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[-+]\d\d:?\d\d)?)?$/i;

/**
 * Milliseconds since 1970. Takes ISO 8601, `2024/05/01 10:00:00`, `01.05.2024 10:00` (with dots the day comes first), and
 * numbers: seconds, milliseconds, microseconds or nanoseconds by their size. `05/01/2024` could be two days: undefined.
 */
export function recordedTime(value: unknown): number | undefined {
  const number = recordedNumber(value);
  if (number !== undefined) return sinceEpoch(number);
  if (typeof value !== 'string') return undefined;
  const text = value.trim().replace(DAY_FIRST, (_, day, month, year) => `${year}-${month}-${day}`);
  return parseTime(text) ?? loosely(text);
}

function sinceEpoch(number: number): number {
  if (number < FIRST_MILLISECONDS) return number * 1_000;
  if (number < FIRST_MICROSECONDS) return number;
  return number < FIRST_NANOSECONDS ? number / 1_000 : number / 1_000_000;
}

function loosely(text: string): number | undefined {
  const [, year, month = '', day = '', hour, minute, second = '', zone = 'Z'] = LOOSE.exec(text) ?? [];
  if (year === undefined) return undefined;
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  if (hour === undefined) return parseTime(date);
  const offset = /^(UTC|GMT)$/i.test(zone) ? 'Z' : zone;
  return parseTime(`${date}T${hour.padStart(2, '0')}:${minute}${second}${offset}`);
}

/** The date and time columns of a logger, as one text for `recordedTime`. */
export const joinedTime = (date: unknown, timeOfDay: unknown): string =>
  `${String(date).trim()} ${String(timeOfDay).trim()}`;

export const isTimeOfDay = (value: unknown): boolean => typeof value === 'string' && /^\s*\d{1,2}:\d\d/.test(value);
