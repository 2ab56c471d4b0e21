// GeoJSON: a LineString is a track (times in `coordinateProperties.times`, `coordTimes` or `times`), and Points that share
// an id are one too (time in `time`, `ts` or `timestamp`).
import { recordedTime, type Values, valueOf } from './columns.ts';
import type { NamedFixes, RecordedFix } from './recorded-fix.ts';

interface Feature {
  readonly id?: unknown;
  readonly properties?: Values | null;
  readonly geometry?: { readonly type: string; readonly coordinates?: unknown } | null;
}

/** @throws Error when the text is no JSON. */
export function readGeoJson(text: string): NamedFixes[] {
  const document = JSON.parse(text) as { type?: string; features?: Feature[] } & Feature;
  return readFeatures(document.type === 'Feature' ? [document] : (document.features ?? []));
}

export function readFeatures(features: readonly Feature[]): NamedFixes[] {
  const points = features.filter((feature) => feature.geometry?.type === 'Point');
  return [...features.flatMap(linesOf), ...tracksOfPoints(points)];
}

/** The parts of a MultiLineString (GPX segments) are one truck's: one track. */
function linesOf(feature: Feature): NamedFixes[] {
  const { type, coordinates } = feature.geometry ?? {};
  if (type !== 'LineString' && type !== 'MultiLineString') return [];
  const times = timesOf(feature.properties ?? {});
  const lines = (type === 'LineString' ? [coordinates] : coordinates) as number[][][];
  const timeLines = (type === 'LineString' ? [times] : times) as unknown[][];
  const fixes = lines.flatMap((line, i) => line.flatMap((point, j) => fixOf(point, {}, timeLines[i]?.[j]) ?? []));
  return [{ name: nameOf(feature), fixes }];
}

function timesOf(properties: Values): unknown[] {
  const nested = properties['coordinateProperties'] as Values | undefined;
  return (nested?.['times'] ?? properties['coordTimes'] ?? properties['times'] ?? []) as unknown[];
}

function tracksOfPoints(points: readonly Feature[]): NamedFixes[] {
  const byName = new Map<string | undefined, RecordedFix[]>();
  for (const point of points) {
    const values = point.properties ?? {};
    const fix = fixOf(point.geometry?.coordinates as number[], values, valueOf(values, 'time'));
    const fixes = byName.get(nameOf(point)) ?? [];
    if (fix) byName.set(nameOf(point), [...fixes, fix]);
  }
  return [...byName].map(([name, fixes]) => ({ name, fixes }));
}

function nameOf({ id, properties }: Feature): string | undefined {
  const name = valueOf(properties ?? {}, 'truckId') ?? properties?.['name'] ?? id;
  return typeof name === 'string' || typeof name === 'number' ? `${name}` : undefined;
}

function fixOf([lon, lat, altitudeM]: number[], values: Values, time: unknown): RecordedFix | undefined {
  if (!Number.isFinite(lon) || !Number.isFinite(lat)) return undefined;
  const number = (column: 'speedKmh' | 'headingDeg') => {
    const value = valueOf(values, column);
    return value === undefined || value === '' ? {} : { [column]: Number(value) };
  };
  const altitude = altitudeM === undefined ? {} : { altitudeM };
  return { lon: lon!, lat: lat!, ...altitude, ...number('speedKmh'), ...number('headingDeg'), ...recordedTime(time) };
}
