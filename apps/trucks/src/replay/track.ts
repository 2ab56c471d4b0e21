// A recording as tracks: one truck each, its fixes in the order of the file. Which format a file has is told by its name.
import { readCsv } from './csv.ts';
import { readGeoJson } from './geojson.ts';
import { readGpx } from './gpx.ts';
import type { NamedFixes, RecordedFix } from './recorded-fix.ts';

export interface Track {
  readonly truckId: string;
  readonly fixes: readonly RecordedFix[];
}

const readers: Readonly<Record<string, (text: string) => NamedFixes[]>> = {
  gpx: readGpx,
  csv: readCsv,
  geojson: readGeoJson,
  json: readGeoJson,
};

/** @throws Error, one line with the cure, for a file that holds no track. */
export function readTracks(fileName: string, text: string): Track[] {
  const extension = fileName.slice(fileName.lastIndexOf('.') + 1).toLowerCase();
  const reader = readers[extension];
  if (!reader) throw new Error(`${fileName}: expected a name ending in .gpx, .csv, .geojson or .json`);
  const named = reader(text).filter(({ fixes }) => fixes.length > 0);
  if (named.length === 0) throw new Error(`${fileName}: no track in it (expected points with latitude and longitude)`);
  const taken = new Set<string>();
  return named.map(({ name, fixes }) => ({ truckId: freeId(name, taken), fixes }));
}

/** A truck id is [A-Za-z0-9._-]{1,128}; what a name has beyond that becomes `-`. Two tracks never share one. */
function freeId(name: string | undefined, taken: Set<string>): string {
  const base =
    (name ?? '')
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 100) || 'track';
  let id = base;
  for (let n = 2; taken.has(id); n++) id = `${base}-${n}`;
  taken.add(id);
  return id;
}
