// GeoJSON: a LineString is a track (times in `coordinateProperties.times`, `coordTimes` or `times`), and Points that
// share an id are one too (time in `time`, `ts` or `timestamp`).
import { type Values, valueOf } from './columns.ts';
import { type NamedFixes, PassedOver, type RecordedFix } from './recorded-fix.ts';
import { recordedNumber, recordedTime } from './recorded-value.ts';

export interface Feature {
  readonly id?: unknown;
  readonly properties?: Values | null;
  readonly geometry?: { readonly type: string; readonly coordinates?: unknown } | null;
}

/** @throws Error when the text is not JSON, or a time in it cannot be read. */
export function readGeoJson(text: string, passedOver: PassedOver): NamedFixes[] {
  const document = JSON.parse(text) as { type?: string; features?: Feature[] } & Feature;
  return readFeatures(document.type === 'Feature' ? [document] : (document.features ?? []), passedOver);
}

export function readFeatures(features: readonly Feature[], passedOver: PassedOver): NamedFixes[] {
  const points = features.filter((feature) => feature.geometry?.type === 'Point');
  const lines = features.filter((feature) => isLine(feature));
  passedOver.count('shapes that are no track', features.length - points.length - lines.length);
  return [...lines.map((line) => trackOf(line, passedOver)), ...tracksOfPoints(points, passedOver)];
}

const isLine = ({ geometry }: Feature): boolean =>
  geometry?.type === 'LineString' || geometry?.type === 'MultiLineString';

/** The parts of a MultiLineString (GPX segments) are one track, of one truck. */
function trackOf(feature: Feature, passedOver: PassedOver): NamedFixes {
  const { type, coordinates } = feature.geometry ?? {};
  const times = timesOf(feature.properties ?? {});
  const lines = (type === 'LineString' ? [coordinates] : coordinates) as number[][][];
  const timeLines = (type === 'LineString' ? [times] : times) as unknown[][];
  const fixes = lines.flatMap((line, i) =>
    line.flatMap((point, j) => fixOf(point, {}, timeLines[i]?.[j], passedOver) ?? []),
  );
  return { name: trackName(feature), fixes };
}

function timesOf(properties: Values): unknown[] {
  const nested = properties['coordinateProperties'] as Values | undefined;
  return (nested?.['times'] ?? properties['coordTimes'] ?? properties['times'] ?? []) as unknown[];
}

function tracksOfPoints(points: readonly Feature[], passedOver: PassedOver): NamedFixes[] {
  const byName = new Map<string | undefined, RecordedFix[]>();
  for (const point of points) {
    const values = point.properties ?? {};
    const fix = fixOf(point.geometry?.coordinates as number[], values, valueOf(values, 'time'), passedOver);
    if (!fix) continue;
    const fixes = byName.get(trackName(point));
    if (fixes) fixes.push(fix);
    else byName.set(trackName(point), [fix]);
  }
  return Array.from(byName, ([name, fixes]) => ({ name, fixes }));
}

function trackName({ id, properties }: Feature): string | undefined {
  const name = valueOf(properties ?? {}, 'truckId') ?? id;
  return typeof name === 'string' || typeof name === 'number' ? `${name}` : undefined;
}

function fixOf(
  point: readonly number[] | undefined,
  values: Values,
  time: unknown,
  passedOver: PassedOver,
): RecordedFix | undefined {
  const [lon, lat, altitudeM] = point ?? [];
  if (!isDegrees(lon, 180) || !isDegrees(lat, 90)) {
    passedOver.count('points without coordinates');
    return undefined;
  }
  const number = (column: 'speedKmh' | 'headingDeg') => {
    const value = recordedNumber(valueOf(values, column));
    return value === undefined ? {} : { [column]: value };
  };
  const altitude = altitudeM === undefined ? {} : { altitudeM };
  return { lon, lat, ...altitude, ...number('speedKmh'), ...number('headingDeg'), ...timeOf(time) };
}

const isDegrees = (value: unknown, limit: number): value is number =>
  typeof value === 'number' && Math.abs(value) <= limit;

function timeOf(time: unknown): { tsMs?: number } {
  if (time === undefined || time === null || time === '') return {};
  const tsMs = recordedTime(time);
  if (tsMs === undefined)
    throw new Error(`time: expected ISO 8601 or a number since 1970, saw ${JSON.stringify(time)}`);
  return { tsMs };
}
