// A fix in the format and the topic of each kind of device.
import type { Fix } from './simulation/device.ts';

export const formats = ['milepost', 'owntracks'] as const;
export type Format = (typeof formats)[number];

export interface Publication {
  readonly topic: string;
  readonly payload: string;
}

export function publicationOf(fix: Fix, format: Format): Publication {
  return format === 'milepost' ? milepost(fix) : owntracks(fix);
}

function milepost({ truckId, tsMs, lat, lon, ...rest }: Fix): Publication {
  return {
    topic: `trucks/${truckId}/gps`,
    payload: JSON.stringify({ lat, lon, ts: new Date(tsMs).toISOString(), ...rest }),
  };
}

/** The phone app omits zeros. Its user and device together are the truck's id: `truck-001` is truck/001. */
function owntracks(fix: Fix): Publication {
  const [user = 'truck', ...device] = fix.truckId.split('-');
  const nonZero = (name: string, value: number | undefined) => (value ? { [name]: Math.round(value) } : {});
  return {
    topic: `owntracks/${user}/${device.join('-') || user}`,
    payload: JSON.stringify({
      _type: 'location',
      lat: fix.lat,
      lon: fix.lon,
      tst: Math.floor(fix.tsMs / 1_000),
      tid: fix.truckId.slice(-2),
      conn: 'm',
      ...nonZero('acc', fix.accuracyM),
      ...nonZero('vel', fix.speedKmh),
      ...nonZero('cog', fix.headingDeg),
      ...nonZero('alt', fix.altitudeM),
    }),
  };
}
