// OwnTracks (https://owntracks.org/booklet/tech/json/): `_type` is the type of a payload.
// `location` is a position: tst in seconds, vel in km/h, acc, alt in meters, cog in degrees, batt in percent; apps omit
// zeros and send a negative number for "unknown". A `transition` (into or out of a region) has a position too. `lwt` is
// the broker's last will: a status. Every other type (waypoint, card, cmd, …) is not a position: it is rejected as
// such, and stored among the dead letters with its bytes.
import { type Decoded, decodedAs, type DecodedItem, type DecoderContext, rejected } from '../decoder.ts';
import type { NumberField } from '../position.ts';
import { clockVerdict } from '../time.ts';
import { assemble } from './assemble.ts';
import { type DeviceNumber, Document } from './document.ts';
import { shown } from './payload.ts';

const NAME = 'owntracks';

export function decodeOwntracks(payload: Buffer, context: DecoderContext): Decoded {
  const documents = Document.parse(payload);
  if (!Array.isArray(documents)) return documents as DecodedItem;
  const items = (documents as Document[]).map((document) => decodeOne(document, context));
  return decodedAs(items);
}

function decodeOne(document: Document, context: DecoderContext): DecodedItem {
  const { truckId, receivedAtMs } = context;
  const type = document.field('_type');
  if (type !== 'location' && type !== 'transition' && type !== 'lwt')
    return rejected('not-a-position', `_type: expected "location", "transition" or "lwt", saw ${shown(type)}`);
  const { ts, timeMs } = document.time('tst', context);
  if (type === 'lwt') {
    return document.problem ?? { kind: 'status', status: { truckId, status: 'lastWill', ts, source: NAME } };
  }
  const known = (key: string, field: NumberField): DeviceNumber | undefined => {
    const value = document.field(key);
    return typeof value === 'number' && value < 0 ? undefined : document.number(key, field);
  };
  const [lat, lon] = [document.requiredNumber('lat', 'lat'), document.requiredNumber('lon', 'lon')];
  const position = assemble(
    { truckId, ts, source: NAME },
    {
      lat,
      lon,
      speedKmh: known('vel', 'speedKmh'),
      headingDeg: known('cog', 'headingDeg'),
      altitudeM: document.number('alt', 'altitudeM'),
      accuracyM: known('acc', 'accuracyM'),
      batteryPct: known('batt', 'batteryPct'),
    },
    undefined,
    type === 'transition' ? eventOf(document) : undefined,
  );
  if (document.problem) return document.problem;
  return {
    kind: 'position',
    position,
    clock: clockVerdict(timeMs, receivedAtMs),
    ...document.marks(lat.value, lon.value),
  };
}

/** The region that was entered or left, stored with the position. */
function eventOf(document: Document): Readonly<Record<string, unknown>> | undefined {
  const [event, desc] = [document.field('event'), document.field('desc')];
  const texts = Object.entries({ event, desc }).filter(([, value]) => typeof value === 'string' && value.length <= 200);
  return texts.length === 0 ? undefined : Object.fromEntries(texts);
}
