// When a rule applies: days and hours in a time zone, summer time included. A range over midnight belongs to the day on
// which it begins.
import { DAYS, type Schedule } from './rule.ts';

export type IsActive = (timeMs: number) => boolean;

const MINUTE_MS = 60_000;
/** No zone changes its offset within a quarter of an hour, so that one look at the calendar serves all of it. */
const QUARTER_MS = 15 * MINUTE_MS;
const MOST_QUARTERS = 4 * 24 * 31;

export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false; // RangeError is how Intl reports it
  }
}

/** Of HH:MM; undefined if it is none. */
export function minuteOfDay(text: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return match ? Number(match[1]) * 60 + Number(match[2]) : undefined;
}

export function activeTimes({ days = DAYS, from = '00:00', timeZone, to = '24:00' }: Schedule): IsActive {
  const localTime = localTimes(timeZone);
  const active = DAYS.map((day) => days.includes(day));
  const fromMinute = minuteOfDay(from) ?? 0;
  const toMinute = minuteOfDay(to) ?? 24 * 60;
  return (timeMs) => {
    const { day, minute } = localTime(timeMs);
    if (fromMinute < toMinute) return active[day] === true && minute >= fromMinute && minute < toMinute;
    if (minute >= fromMinute) return active[day] === true;
    return minute < toMinute && active[(day + 6) % 7] === true;
  };
}

interface LocalTime {
  /** Index in DAYS. */
  readonly day: number;
  readonly minute: number;
}

function localTimes(timeZone: string): (timeMs: number) => LocalTime {
  const calendar = new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const quarters = new Map<number, LocalTime>();
  return (timeMs) => {
    const quarter = Math.floor(timeMs / QUARTER_MS);
    let start = quarters.get(quarter);
    if (!start) {
      if (quarters.size >= MOST_QUARTERS) quarters.clear();
      start = read(calendar, quarter * QUARTER_MS);
      quarters.set(quarter, start);
    }
    return { day: start.day, minute: start.minute + Math.floor((timeMs - quarter * QUARTER_MS) / MINUTE_MS) };
  };
}

function read(calendar: Intl.DateTimeFormat, timeMs: number): LocalTime {
  const parts = new Map(calendar.formatToParts(timeMs).map(({ type, value }) => [type, value]));
  const day = DAYS.findIndex((name) => name === parts.get('weekday')?.toLowerCase());
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}
