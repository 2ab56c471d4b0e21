// The recorded trace that the simulation takes its GPS noise from: 7,745 fixes of a runner, shipped by gpx-parse.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Deviation, deviationsOf } from './simulation/noise.ts';

/** Only the coordinates are needed: a pattern finds them in a fiftieth of the time of parsing the XML. */
const fixPattern = /<trkpt lon="([^"]+)" lat="([^"]+)"/g;

export function recordedDeviations(): Deviation[] {
  const folder = dirname(createRequire(import.meta.url).resolve('gpx-parse/package.json'));
  const text = readFileSync(join(folder, 'tests/integration/data/route-1.1.gpx'), 'utf8');
  return deviationsOf(Array.from(text.matchAll(fixPattern), ([, lon, lat]) => [Number(lon), Number(lat)] as const));
}
