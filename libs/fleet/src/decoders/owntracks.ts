// OwnTracks (https://owntracks.org/booklet/tech/json/): `_type` says what a payload is.
// `location` is a position: tst in seconds, vel in km/h, acc, alt in metres, cog in degrees, batt in percent; apps leave
// zeros out and write -1 for "not known". `lwt` is the broker's last will: a status. Every other type (transition,
// waypoint, card, cmd, …) is no position: rejected as such, which records it among the dead letters with its bytes.
import { type Decoded, type DecoderContext, rejected } from '../decoder.ts';
import type { NumberField } from '../position.ts';
import { isPlausibleTime } from '../time.ts';
import { assemble } from './assemble.ts';
import { type DeviceNumber, Document } from './document.ts';

const NAME = 'owntracks';
const SECOND_MS = 1000;

export function decodeOwntracks(payload: Buffer, { truckId, receivedAtMs }: DecoderContext): Decoded {
  const document = Document.parse(payload);
  if (!(document instanceof Document)) return document;
  const type = document.field('_type');
  if (type !== 'location' && type !== 'lwt') {
    return rejected('not-a-position', `_type: expected "location" or "lwt", saw ${JSON.stringify(type) ?? 'nothing'}`);
  }
  const { ts, timeMs } = document.time('tst', SECOND_MS, receivedAtMs);
  if (type === 'lwt') {
    return document.problem ?? { kind: 'status', status: { truckId, status: 'lastWill', ts, source: NAME } };
  }
  const known = (key: string, field: NumberField): DeviceNumber | undefined =>
    document.field(key) === -1 ? undefined : document.number(key, field);
  const position = assemble(
    { truckId, ts, source: NAME },
    {
      lat: document.requiredNumber('lat', 'lat'),
      lon: document.requiredNumber('lon', 'lon'),
      speedKmh: known('vel', 'speedKmh'),
      headingDeg: known('cog', 'headingDeg'),
      altitudeM: document.number('alt', 'altitudeM'),
      accuracyM: known('acc', 'accuracyM'),
      batteryPct: known('batt', 'batteryPct'),
    },
  );
  if (document.problem) return document.problem;
  return { kind: 'position', position, clock: isPlausibleTime(timeMs, receivedAtMs) ? 'plausible' : 'implausible' };
}
