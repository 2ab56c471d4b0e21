// Times in devices' formats, without `Date`: ISO 8601 / RFC 3339 text to milliseconds and back. Nothing here reads a
// clock. A text without a zone is UTC, as GPS receivers mean it.
import type { ClockVerdict } from './decoder.ts';

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:[Zz]|([+-])(\d\d)(?::?(\d\d))?)?)?$/;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const EARLIEST_MS = -62_167_219_200_000; // 0000-01-01T00:00:00Z
const LATEST_MS = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z
const PLAUSIBLE_FROM_MS = 946_684_800_000; // 2000-01-01: before it the device's clock was never set
const PLAUSIBLE_AHEAD_MS = HOUR_MS;
const ROLLOVER_MS = 1024 * 7 * DAY_MS;
/** How long a device with such a clock may have stored a position. */
const ROLLOVER_SLACK_MS = 7 * DAY_MS;

/** Milliseconds since 1970, or undefined if the text is not a time. Digits below a millisecond are ignored. */
export function parseTime(text: string): number | undefined {
  return parseUsual(text) ?? parseAny(text);
}

/** `2026-11-22T10:00:00Z`, with or without milliseconds: the format of nearly every device, at a sixth of the cost. */
function parseUsual(text: string): number | undefined {
  const hasMs = text.length === 24 && text[19] === '.';
  if (!(hasMs || text.length === 20) || !text.endsWith('Z')) return undefined;
  if (text[4] !== '-' || text[7] !== '-' || text[10] !== 'T' || text[13] !== ':' || text[16] !== ':') return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const ms = hasMs ? digits(text, 20, 3) : 0;
  const areDigits = year >= 0 && minute >= 0 && second >= 0 && ms >= 0;
  if (!areDigits || !isDate(year, month, day) || !(hour >= 0 && hour <= 23) || minute > 59 || second > 60)
    return undefined;
  return daysSince1970(year, month, day) * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * 1000 + ms;
}

/** Negative if one of them is not a digit. */
function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let n = at; n < at + count; n++) {
    const digit = text.charCodeAt(n) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function parseAny(text: string): number | undefined {
  const match = ISO.exec(text);
  if (!match) return undefined;
  const part = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  if (!isDate(year, month, day) || hour > 23 || minute > 59 || second > 60 || part(9) > 23 || part(10) > 59)
    return undefined;
  const zoneMs = (part(9) * HOUR_MS + part(10) * MINUTE_MS) * (match[8] === '-' ? -1 : 1);
  const fractionMs = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const timeMs = hour * HOUR_MS + minute * MINUTE_MS + second * 1000 + fractionMs;
  return daysSince1970(year, month, day) * DAY_MS + timeMs - zoneMs;
}

/** `2026-11-22T10:00:00.120Z`; zero milliseconds are omitted. Undefined outside the years 0 to 9999. */
export function isoTime(timeMs: number): string | undefined {
  const ms = Math.floor(timeMs);
  if (!(ms >= EARLIEST_MS && ms <= LATEST_MS)) return undefined;
  const days = Math.floor(ms / DAY_MS);
  const rest = ms - days * DAY_MS;
  const time = [rest / HOUR_MS, (rest % HOUR_MS) / MINUTE_MS, (rest % MINUTE_MS) / 1000]
    .map((n) => pad(n, 2))
    .join(':');
  const fraction = rest % 1000;
  return `${civilDate(days)}T${time}${fraction === 0 ? '' : `.${pad(fraction, 3)}`}Z`;
}

/**
 * A device's clock may be wrong while its position is right: such a record is accepted and marked. Receivers that count
 * GPS weeks in 10 bits fall back by 1,024 weeks.
 */
export function clockVerdict(timeMs: number, receivedAtMs: number): ClockVerdict {
  if (timeMs < PLAUSIBLE_FROM_MS || timeMs > receivedAtMs + PLAUSIBLE_AHEAD_MS) return 'implausible';
  if (receivedAtMs - timeMs < ROLLOVER_MS - ROLLOVER_SLACK_MS) return 'plausible';
  const beyondMs = (receivedAtMs - timeMs) % ROLLOVER_MS;
  return beyondMs <= ROLLOVER_SLACK_MS || ROLLOVER_MS - beyondMs <= HOUR_MS ? 'week-rollover' : 'plausible';
}

function isDate(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days of the proleptic Gregorian calendar. Years begin in March, so that the leap day is a year's last. */
function daysSince1970(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return (
    era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
  );
}

/** The inverse of `daysSince1970`, as `yyyy-mm-dd`. */
function civilDate(days: number): string {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return `${pad(yearOfEra + era * 400 + (month <= 2 ? 1 : 0), 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

function pad(value: number, width: number): string {
  return String(Math.floor(value)).padStart(width, '0');
}
