import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gunzipSync, gzipSync } from 'node:zlib';
import { buildRouter, cachedRoads, compactRoads, type FileCalls, type Leg, readRoads } from './index.ts';

const network = createRequire(import.meta.url).resolve('geojson-path-finder/test/large-network.json');
const text = compactRoads(readFileSync(network, 'utf8'));
const roads = readRoads(text);
const router = buildRouter(roads);

test('the compact file names its source and is small enough for a phone', () => {
  const { attribution, bbox, ways } = JSON.parse(text);
  expect(attribution).toBe('© OpenStreetMap contributors');
  expect(ways.length).toBeGreaterThan(18_000);
  expect(bbox[0]).toBeCloseTo(11.86, 1);
  expect(bbox[3]).toBeCloseTo(57.76, 1);
  expect(gzipSync(text).length).toBeLessThan(600_000);
  expect(gunzipSync(gzipSync(text)).toString()).toBe(text);
});

test('every road keeps its position to a meter', () => {
  const source = JSON.parse(readFileSync(network, 'utf8')).features.find(
    (feature: { properties: { name?: string; highway: string } }) =>
      feature.properties.name === 'Götatunneln' && feature.properties.highway === 'trunk',
  );
  const starts = roads.filter((road) => road.name === 'Götatunneln').map((road) => road.points[0]);
  const [lon, lat] = source.geometry.coordinates[0];
  expect(starts).toContainEqual([Math.round(lon * 1e5), Math.round(lat * 1e5)]);
});

test('trucks avoid footways and streets closed to them', () => {
  const footways = roads.filter(({ roadClass }) => ['path', 'service', 'street', 'square'].includes(roadClass));
  expect(footways.length).toBeGreaterThan(10_000);
  expect(footways.filter(({ limitKmh }) => limitKmh > 0)).toEqual([]);
});

test('from every sampled place every other is reached, and each route is one unbroken line', () => {
  expect(router.places.length).toBeGreaterThan(700);
  for (let i = 0; i < 60; i++) {
    const from = router.places[(i * 37) % router.places.length]!;
    const to = router.places[(i * 91 + 400) % router.places.length]!;
    if (from === to) continue;
    const legs = router.route(from, to) as Leg[];
    expect(legs[0]!.from).toEqual(from);
    expect(legs.at(-1)!.to).toEqual(to);
    legs.slice(1).forEach((leg, at) => expect(leg.from).toEqual(legs[at]!.to));
  }
});

test('a one-way street is never driven backwards', () => {
  const forbidden = new Set<string>();
  const allowed = new Set<string>();
  for (const road of roads.filter(({ limitKmh }) => limitKmh > 0)) {
    road.points.slice(1).forEach((to, i) => {
      const from = road.points[i]!;
      allowed.add([from, to].join(';'));
      (road.isOneway ? forbidden : allowed).add([to, from].join(';'));
    });
  }
  const units = ({ lon, lat }: { lon: number; lat: number }) => [Math.round(lon * 1e5), Math.round(lat * 1e5)];
  const legs = router.route(router.places[3]!, router.places[600]!)!;
  for (const { from, to } of legs) {
    const piece = [units(from), units(to)].join(';');
    expect(forbidden.has(piece) && !allowed.has(piece)).toBe(false);
  }
  expect(legs.length).toBeGreaterThan(10);
});

test('the compact file is built once, and a folder that cannot be written is no error', () => {
  const kept = new Map([['network.json', readFileSync(network, 'utf8')]]);
  const reads: string[] = [];
  const files: FileCalls = {
    existsSync: (path) => kept.has(path),
    readFileSync: (path) => (reads.push(path), kept.get(path)!),
    mkdirSync: () => undefined,
    writeFileSync: (path, content) => void kept.set(path, content),
    renameSync: (from, to) => void kept.set(to, kept.get(from)!),
  };
  expect(cachedRoads(files, 'network.json', 'cache', '1')).toBe(text);
  expect(cachedRoads(files, 'network.json', 'cache', '1')).toBe(text);
  expect(reads).toEqual(['network.json', 'cache/gothenburg.v2.json']);
  const readOnly = {
    ...files,
    existsSync: () => false,
    writeFileSync: () => {
      throw new Error('EROFS');
    },
  };
  expect(cachedRoads(readOnly, 'network.json', 'cache', '1')).toBe(text);
});
