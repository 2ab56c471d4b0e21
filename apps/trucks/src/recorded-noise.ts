// The recorded trace that the simulation takes its GPS noise from: 7,745 fixes of a runner, shipped by gpx-parse.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readGpx } from './replay/gpx.ts';
import { type Deviation, deviationsOf } from './simulation/noise.ts';

export function recordedDeviations(): Deviation[] {
  const folder = dirname(createRequire(import.meta.url).resolve('gpx-parse/package.json'));
  const text = readFileSync(join(folder, 'tests/integration/data/route-1.1.gpx'), 'utf8');
  return deviationsOf(readGpx(text).flatMap(({ fixes }) => fixes.map(({ lon, lat }) => [lon, lat] as const)));
}
