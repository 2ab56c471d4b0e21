// A recording as tracks: one truck each, its fixes in the order of the file. The file's name determines its format. A
// file is never read in part: one that cannot be parsed is refused, and skipped items are counted.
import { readCsv } from './csv.ts';
import { readGeoJson } from './geojson.ts';
import { readGpx } from './gpx.ts';
import { readKml } from './kml.ts';
import { type NamedFixes, PassedOver, type RecordedFix } from './recorded-fix.ts';
import { recordingText } from './recording-text.ts';

export interface Track {
  readonly truckId: string;
  readonly fixes: readonly RecordedFix[];
}

export interface Recording {
  readonly tracks: readonly Track[];
  /** `2 trucks, 1409 positions; passed over: 4 points without a time`. */
  readonly summary: string;
}

type Reader = (text: string, passedOver: PassedOver) => NamedFixes[];

const readers: Readonly<Record<string, Reader>> = {
  gpx: readGpx,
  kml: readKml,
  csv: readCsv,
  tsv: readCsv,
  geojson: readGeoJson,
  json: readGeoJson,
};

/** @throws Error, one line with the cure, for a file that holds no track. */
export function readRecording(fileName: string, bytes: Buffer): Recording {
  const extension = fileName.slice(fileName.lastIndexOf('.') + 1).toLowerCase();
  const reader = readers[extension];
  if (!reader) throw new Error(`${fileName}: expected a name ending in .${Object.keys(readers).join(', .')}`);
  const passedOver = new PassedOver();
  const named = read(fileName, reader, recordingText(bytes), passedOver)
    .map(({ name, fixes }) => ({ name, fixes: timed(fixes, passedOver) }))
    .filter(({ fixes }) => fixes.length > 0);
  if (named.length === 0) {
    const instead = passedOver.summary || 'nothing';
    throw new Error(`${fileName}: no track in it (expected points with latitude and longitude, saw ${instead})`);
  }
  const taken = new Set<string>();
  const tracks = named.map(({ name, fixes }) => ({ truckId: freeId(name, taken), fixes }));
  return { tracks, summary: summaryOf(tracks, passedOver) };
}

function read(fileName: string, reader: Reader, text: string, passedOver: PassedOver): NamedFixes[] {
  try {
    return reader(text, passedOver);
  } catch (error) {
    throw new Error(`${fileName}: ${(error as Error).message}`);
  }
}

/** Some devices write their first and last points without a time; those are skipped, and the others keep theirs. */
function timed(fixes: readonly RecordedFix[], passedOver: PassedOver): readonly RecordedFix[] {
  const withTime = fixes.filter(({ tsMs }) => tsMs !== undefined);
  if (withTime.length === 0) return fixes;
  passedOver.count('points without a time', fixes.length - withTime.length);
  return withTime;
}

function summaryOf(tracks: readonly Track[], passedOver: PassedOver): string {
  const positions = tracks.reduce((sum, { fixes }) => sum + fixes.length, 0);
  const read = `${tracks.length} ${tracks.length === 1 ? 'truck' : 'trucks'}, ${positions} positions`;
  return passedOver.summary === '' ? read : `${read}; passed over: ${passedOver.summary}`;
}

/** A truck id is [A-Za-z0-9._-]{1,128}; other characters of a name become `-`. Two tracks never share an id. */
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
