// NMEA 0183 sentences, one or several lines: RMC has a position with its date, GGA the altitude of the same second (or
// its own position, on the day that is nearest to the receive time). Knots, degrees with minutes (`ddmm.mmmm`). Every
// checksum is verified; sentences of other kinds are skipped.
import { type Decoded, decodedAs, type DecodedItem, type DecoderContext, rejected } from '../decoder.ts';
import type { Position } from '../position.ts';
import { clockVerdict, isoTime } from '../time.ts';

const NAME = 'nmea';
const KNOT_KMH = 1.852;
const DAY_MS = 86_400_000;
const MAX_BYTES = 64 * 1024;

export function decodeNmea(payload: Buffer, { truckId, receivedAtMs }: DecoderContext): Decoded {
  if (payload.length > MAX_BYTES)
    return rejected('too-large', `expected at most ${MAX_BYTES} bytes, saw ${payload.length}`);
  const lines = payload
    .toString('latin1')
    .split(/[\r\n]+/)
    .filter((line) => line !== '');
  const items: DecodedItem[] = [];
  const altitudes = new Map<string, number>();
  const taken: { time: string; kind: 'RMC' | 'GGA'; fields: readonly string[] }[] = [];
  for (const line of lines) {
    const fields = fieldsOf(line);
    if (!Array.isArray(fields)) return fields as DecodedItem;
    const kind = fields[0]?.slice(-3);
    if (kind !== 'RMC' && kind !== 'GGA') continue;
    const time = fields[1] ?? '';
    if (kind === 'GGA' && fields[9]) altitudes.set(time, Number(fields[9]));
    taken.push({ time, kind, fields });
  }
  const dated = new Set(taken.filter(({ kind }) => kind === 'RMC').map(({ time }) => time));
  for (const { kind, time, fields } of taken) {
    if (kind === 'GGA' && dated.has(time)) continue;
    items.push(kind === 'RMC' ? decodeRmc(fields) : decodeGga(fields));
  }
  if (items.length === 0) return rejected('not-a-position', 'expected an RMC or GGA sentence, saw none');
  return decodedAs(items);

  function decodeRmc(fields: readonly string[]): DecodedItem {
    const [, time = '', status, lat, north, lon, east, knots, course, date = ''] = fields;
    if (status !== 'A') return rejected('not-a-position', `RMC: expected status A, saw ${status ?? 'nothing'}: no fix`);
    const timeMs = dateMs(date) + timeOfDayMs(time);
    return decoded(timeMs, degrees(lat, north, 'N', 'S', 90), degrees(lon, east, 'E', 'W', 180), {
      ...measure('speedKmh', knots, KNOT_KMH),
      ...measure('headingDeg', course, 1),
      ...optional('altitudeM', altitudes.get(time)),
    });
  }

  function decodeGga(fields: readonly string[]): DecodedItem {
    const [, time = '', lat, north, lon, east, quality, , , altitude] = fields;
    if (quality === undefined || quality === '0' || quality === '')
      return rejected('not-a-position', 'GGA: expected a fix quality above 0, saw none: no fix');
    const midnightMs = Math.floor(receivedAtMs / DAY_MS) * DAY_MS;
    const near = [-DAY_MS, 0, DAY_MS].map((dayMs) => midnightMs + dayMs + timeOfDayMs(time));
    const distance = (ms: number) => Math.abs(ms - receivedAtMs);
    const timeMs = near.reduce((best, next) => (distance(next) < distance(best) ? next : best));
    return decoded(
      timeMs,
      degrees(lat, north, 'N', 'S', 90),
      degrees(lon, east, 'E', 'W', 180),
      measure('altitudeM', altitude, 1),
    );
  }

  function decoded(timeMs: number, lat: number, lon: number, more: Partial<Position>): DecodedItem {
    const ts = isoTime(timeMs);
    if (ts === undefined) return rejected('unreadable-time', 'expected hhmmss and ddmmyy, saw something else');
    if (Number.isNaN(lat) || Number.isNaN(lon))
      return rejected('out-of-range', 'expected ddmm.mmmm,N or S and dddmm.mmmm,E or W');
    return {
      kind: 'position',
      position: { truckId, ts, lat, lon, ...more, source: NAME },
      clock: clockVerdict(timeMs, receivedAtMs),
    };
  }
}

/** Without `$` and checksum; rejected if the checksum is wrong. */
function fieldsOf(line: string): readonly string[] | DecodedItem {
  const [, body, checksum] = /^\s*[$!]([^*]*)(?:\*([0-9A-Fa-f]{2}))?\s*$/.exec(line) ?? [];
  if (body === undefined)
    return rejected('malformed', `expected an NMEA sentence, saw ${JSON.stringify(line.slice(0, 60))}`);
  let sum = 0;
  for (let at = 0; at < body.length; at++) sum ^= body.charCodeAt(at);
  if (checksum !== undefined && Number.parseInt(checksum, 16) !== sum)
    return rejected(
      'malformed',
      `expected checksum ${sum.toString(16).toUpperCase().padStart(2, '0')}, saw ${checksum}`,
    );
  return body.split(',');
}

/** NaN if it is not a number, or beyond the limit. */
function degrees(text = '', hemisphere = '', positive: string, negative: string, limit: number): number {
  const [, whole, minutes] = /^(\d{1,3}?)(\d\d(?:\.\d+)?)$/.exec(text) ?? [];
  if (whole === undefined || (hemisphere !== positive && hemisphere !== negative)) return Number.NaN;
  const value = Number(whole) + Number(minutes) / 60;
  if (!(value <= limit) || Number(minutes) >= 60) return Number.NaN;
  return Math.round((hemisphere === negative ? -value : value) * 1e7) / 1e7;
}

function timeOfDayMs(text: string): number {
  const [, hour, minute, second] = /^(\d\d)(\d\d)(\d\d(?:\.\d+)?)$/.exec(text) ?? [];
  return hour === undefined
    ? Number.NaN
    : (Number(hour) * 3600 + Number(minute) * 60) * 1000 + Math.round(Number(second) * 1000);
}

function dateMs(text: string): number {
  const [, day, month, year] = /^(\d\d)(\d\d)(\d\d)$/.exec(text) ?? [];
  if (day === undefined) return Number.NaN;
  const century = Number(year) >= 80 ? 1900 : 2000;
  return Date.UTC(century + Number(year), Number(month) - 1, Number(day));
}

function measure(
  field: 'speedKmh' | 'headingDeg' | 'altitudeM',
  text: string | undefined,
  factor: number,
): Partial<Position> {
  return optional(field, text === undefined || text === '' ? undefined : Math.round(Number(text) * factor * 1e4) / 1e4);
}

const optional = (field: string, value: number | undefined): Partial<Position> =>
  value === undefined || Number.isNaN(value) ? {} : { [field]: value };
