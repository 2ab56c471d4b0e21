// The OsmAnd protocol (https://www.traccar.org/osmand/): a query string, as Traccar Client before version 9 and many apps
// send it: `id=7&timestamp=1714557900&lat=57.7&lon=11.9&speed=21.6&bearing=84&altitude=12&batt=80`; speed is in knots.
import type { Decoded, DecoderContext } from '../decoder.ts';
import { mappedDecoder } from './mapping.ts';

const decodeFields = mappedDecoder('osmand', {
  device: [['id', 'deviceid']],
  latLon: 'location',
  lat: 'lat',
  lon: 'lon',
  ts: 'timestamp',
  isValid: 'valid',
  ignition: 'ignition',
  numbers: {
    speedKmh: { path: 'speed', unit: 'knots' },
    headingDeg: { path: ['bearing', 'heading'], unit: 'deg' },
    altitudeM: { path: 'altitude', unit: 'm' },
    accuracyM: { path: 'accuracy', unit: 'm' },
    odometerM: { path: 'odometer', unit: 'm' },
    batteryPct: { path: 'batt', unit: '%' },
  },
});

export function decodeOsmand(payload: Buffer, context: DecoderContext): Decoded {
  const query = payload.toString().replace(/^\?/, '').trim();
  const fields = Object.fromEntries(new URLSearchParams(query));
  if (!('id' in fields || 'deviceid' in fields) && context.truckId !== '') fields['id'] = context.truckId;
  return decodeFields(Buffer.from(JSON.stringify(fields)), context);
}
