// Milepost's own format: a JSON object with the canonical names, `lat` and `lon` at least. Units are those of the names.
// `ts` is ISO 8601 text, kept as it is, or a number since 1970: seconds below 1e11 (the year 5138), else milliseconds;
// without one it is the receive time.
// Fields that the canonical position does not know are not carried on.
import { type Decoded, type DecoderContext } from '../decoder.ts';
import { isPlausibleTime } from '../time.ts';
import { Document } from './document.ts';
import { assemble } from './assemble.ts';

const NAME = 'milepost';
const FIRST_MILLISECONDS = 1e11;

export function decodeMilepost(payload: Buffer, { truckId, receivedAtMs }: DecoderContext): Decoded {
  const document = Document.parse(payload);
  if (!(document instanceof Document)) return document;
  const { ts, timeMs } = document.time('ts', numberUnitMs(document.field('ts')), receivedAtMs);
  const position = assemble(
    { truckId, ts, source: NAME },
    {
      lat: document.requiredNumber('lat', 'lat'),
      lon: document.requiredNumber('lon', 'lon'),
      speedKmh: document.number('speedKmh', 'speedKmh'),
      headingDeg: document.number('headingDeg', 'headingDeg'),
      altitudeM: document.number('altitudeM', 'altitudeM'),
      accuracyM: document.number('accuracyM', 'accuracyM'),
      odometerM: document.number('odometerM', 'odometerM'),
      fuelPct: document.number('fuelPct', 'fuelPct'),
      batteryPct: document.number('batteryPct', 'batteryPct'),
    },
    document.boolean('ignition'),
  );
  if (document.problem) return document.problem;
  return { kind: 'position', position, clock: isPlausibleTime(timeMs, receivedAtMs) ? 'plausible' : 'implausible' };
}

function numberUnitMs(ts: unknown): number {
  return typeof ts === 'number' && Math.abs(ts) < FIRST_MILLISECONDS ? 1000 : 1;
}
