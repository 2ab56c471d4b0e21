// The streets that simulated trucks drive on.
import * as files from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildRouter, cachedRoads, readRoads, type Router } from '@milepost/roads';

export function cityRouter(): Router {
  const network = createRequire(import.meta.url).resolve('geojson-path-finder/test/large-network.json');
  return buildRouter(readRoads(cachedRoads(files, network, join('.cache', 'roads'), String(process.pid))));
}
