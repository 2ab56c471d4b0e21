// Trucks as GeoJSON (RFC 7946), and the box of a query.
import { type Box, isInBox } from '@milepost/fleet';
import { type LiveTruck, stateOf } from './live-trucks.ts';

export interface TruckFeature {
  readonly type: 'Feature';
  readonly id: string;
  readonly geometry: { readonly type: 'Point'; readonly coordinates: readonly number[] };
  readonly properties: Readonly<Record<string, unknown>>;
}
export interface TruckCollection {
  readonly type: 'FeatureCollection';
  readonly features: readonly TruckFeature[];
}

/** All trucks, or those in the box. */
export function truckCollection(trucks: Iterable<LiveTruck>, nowMs: number, box?: Box): TruckCollection {
  const features: TruckFeature[] = [];
  for (const truck of trucks) {
    if (!box || isInBox(truck.position, box)) features.push(truckFeature(truck, nowMs));
  }
  return { type: 'FeatureCollection', features };
}

/** Every field of the canonical position, and the derived ones. */
export function truckFeature(truck: LiveTruck, nowMs: number): TruckFeature {
  const { lat, lon, digits: _digits, ...rest } = truck.position;
  const { altitudeM } = rest;
  const { speedKmh, headingDeg, isClockWrong } = truck;
  return {
    type: 'Feature',
    id: truck.truckId,
    geometry: { type: 'Point', coordinates: altitudeM === undefined ? [lon, lat] : [lon, lat, altitudeM] },
    properties: {
      ...rest,
      ...(speedKmh === undefined ? {} : { speedKmh: Math.round(speedKmh * 10) / 10 }),
      ...(headingDeg === undefined ? {} : { headingDeg: Math.round(headingDeg) }),
      state: stateOf(truck, nowMs),
      heardAtMs: truck.heardAtMs,
      ...(isClockWrong ? { isClockWrong } : {}),
    },
  };
}

/** `w,s,e,n` in degrees; undefined if the text is not a box. w > e crosses the 180th meridian. */
export function parseBox(text: string): Box | undefined {
  const parts = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [west = Number.NaN, south = Number.NaN, east = Number.NaN, north = Number.NaN] = parts;
  const isBox =
    parts.length === 4 &&
    Math.abs(west) <= 180 &&
    Math.abs(east) <= 180 &&
    south >= -90 &&
    north <= 90 &&
    south <= north;
  return isBox ? { west, south, east, north } : undefined;
}
