// Queclink's position reports (@Track protocol: GTFRI and its variants): comma-separated text that ends with `$`.
// `+RESP:` is live, `+BUFF:` was stored while offline. Longitude comes before latitude; speed is in km/h, the time
// `yyyymmddhhmmss` UTC.
//
//   +RESP:GTFRI,version,IMEI,name,,report,count,{accuracy,speed,azimuth,altitude,lon,lat,time,mcc,mnc,lac,cell,…},…,sent,serial$
import { type Decoded, decodedAs, type DecodedItem, type DecoderContext, rejected } from '../decoder.ts';
import { parseTime, clockVerdict } from '../time.ts';
import { mapTruckId } from '../truck-id.ts';
import type { Position } from '../position.ts';

const NAME = 'queclink';
const FIRST_GROUP = 7;
/** From accuracy to the reserved field after the cell. */
const GROUP_FIELDS = 12;
const MAX_BYTES = 8 * 1024;
const REPORTS = new Set([
  'GTFRI',
  'GTRTL',
  'GTSOS',
  'GTDOG',
  'GTGEO',
  'GTSPD',
  'GTNMR',
  'GTPNL',
  'GTDIS',
  'GTIGL',
  'GTLBC',
]);

export function decodeQueclink(payload: Buffer, { truckId, receivedAtMs }: DecoderContext): Decoded {
  if (payload.length > MAX_BYTES)
    return rejected('too-large', `expected at most ${MAX_BYTES} bytes, saw ${payload.length}`);
  const text = payload.toString('latin1').trim();
  const [, report, body] = /^\+(?:RESP|BUFF):(GT[A-Z]{3}),(.*)\$$/s.exec(text) ?? [];
  if (report === undefined || body === undefined)
    return rejected('malformed', `expected +RESP:GT…$ or +BUFF:GT…$, saw ${JSON.stringify(text.slice(0, 60))}`);
  if (!REPORTS.has(report))
    return rejected('not-a-position', `expected a position report such as GTFRI, saw ${report}`);
  const fields = [report, ...body.split(',')];
  const named = truckId === '' ? mapTruckId([fields[2] ?? '']) : { truckId };
  if (named === undefined) return rejected('missing-field', 'expected an IMEI in the third field, saw none');
  const count = Number(fields[6]);
  if (!(Number.isInteger(count) && count >= 1 && fields.length >= FIRST_GROUP + count * GROUP_FIELDS))
    return rejected(
      'malformed',
      `expected ${fields[6] ?? 'no'} positions of ${GROUP_FIELDS} fields, saw ${fields.length} fields`,
    );
  const items = Array.from({ length: count }, (_, n) =>
    decodeGroup(fields.slice(FIRST_GROUP + n * GROUP_FIELDS), named.truckId, receivedAtMs),
  );
  return decodedAs(items);
}

function decodeGroup(group: readonly string[], truckId: string, receivedAtMs: number): DecodedItem {
  const [accuracy = '', speed = '', azimuth = '', altitude = '', lonText = '', latText = '', time = ''] = group;
  const [lat, lon] = [degrees(latText, 90), degrees(lonText, 180)];
  if (lat === undefined || lon === undefined)
    return rejected('out-of-range', `expected longitude,latitude in degrees, saw ${lonText},${latText}`.slice(0, 120));
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(time) ?? [];
  const ts = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  const timeMs = parseTime(ts);
  if (timeMs === undefined) return rejected('unreadable-time', `expected yyyymmddhhmmss, saw ${time.slice(0, 60)}`);
  const position: Position = {
    truckId,
    ts,
    lat,
    lon,
    ...measure('speedKmh', speed, 0, 2000),
    ...measure('headingDeg', azimuth, 0, 360),
    ...measure('altitudeM', altitude, -12_000, 100_000),
    source: NAME,
  };
  // The first field is the HDOP, 0 without a fix: the position is then the last known one.
  const hasFix = accuracy !== '0' && accuracy !== '';
  const clock = clockVerdict(timeMs, receivedAtMs);
  return { kind: 'position', position, clock, ...(hasFix ? {} : { marks: { fix: 'none' } as const }) };
}

function degrees(text: string, limit: number): number | undefined {
  return /^-?\d{1,3}(\.\d+)?$/.test(text) && Math.abs(Number(text)) <= limit ? Number(text) : undefined;
}

function measure(
  field: 'speedKmh' | 'headingDeg' | 'altitudeM',
  text: string,
  from: number,
  to: number,
): Partial<Position> {
  const value = Number(text);
  return text !== '' && value >= from && value <= to ? { [field]: value } : {};
}
