import { Replay } from './replay.ts';
import { readRecording, type Track } from './track.ts';

const readTracks = (fileName: string, text: string): readonly Track[] =>
  readRecording(fileName, Buffer.from(text)).tracks;

const gpxText = `<?xml version="1.0"?>
<gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1">
  <trk><name>Truck 7 / north</name>
    <trkseg>
      <trkpt lat="57.70" lon="11.97"><ele>12</ele><time>2014-05-10T07:20:55Z</time></trkpt>
      <trkpt lat="57.71" lon="11.98"><time>2014-05-10T07:21:05Z</time></trkpt>
    </trkseg>
    <trkseg>
      <trkpt lat="57.72" lon="11.99"><time>2014-05-10T07:22:50Z</time></trkpt>
      <trkpt lat="57.73" lon="11.99"><time>2014-05-10T07:22:55Z</time></trkpt>
    </trkseg>
  </trk>
  <trk><trkseg>
    <trkpt lat="57.60" lon="11.90"><time>2014-05-10T07:20:57Z</time></trkpt>
    <trkpt lat="57.61" lon="11.91"><time>2014-05-10T07:20:59Z</time></trkpt>
  </trkseg></trk>
</gpx>`;
const recordedMs = Date.parse('2014-05-10T07:20:55Z');

test('a GPX file gives one truck per track, with height and times', () => {
  const [first, second, ...more] = readTracks('day.gpx', gpxText);
  expect(more).toEqual([]);
  expect(first!.truckId).toBe('Truck-7-north');
  expect(first!.fixes.map(({ lat, tsMs }) => [lat, tsMs! - recordedMs])).toEqual([
    [57.7, 0],
    [57.71, 10_000],
    [57.72, 115_000],
    [57.73, 120_000],
  ]);
  expect(first!.fixes[0]!.altitudeM).toBe(12);
  expect(second).toMatchObject({ truckId: 'track', fixes: [{ lon: 11.9 }, { lon: 11.91 }] });
});

test('a CSV file is read with any column names, in any order', () => {
  const tracks = readTracks(
    'day.csv',
    '\uFEFFVehicle;Longitude;Latitude;Time;Speed;Course\nA;11.97;57.7;1399706455;36.5;90\nB;11.9;57.6;1399706456;;\nA;11.98;57.71;1399706465;40;91\n',
  );
  expect(tracks).toEqual([
    {
      truckId: 'A',
      fixes: [
        { lat: 57.7, lon: 11.97, speedKmh: 36.5, headingDeg: 90, tsMs: 1_399_706_455_000 },
        { lat: 57.71, lon: 11.98, speedKmh: 40, headingDeg: 91, tsMs: 1_399_706_465_000 },
      ],
    },
    { truckId: 'B', fixes: [{ lat: 57.6, lon: 11.9, tsMs: 1_399_706_456_000 }] },
  ]);
});

test('a GeoJSON file may contain lines with times, or points that name their truck', () => {
  const line = {
    type: 'Feature',
    properties: { name: 'line', coordinateProperties: { times: ['2014-05-10T07:20:55Z', '2014-05-10T07:20:56Z'] } },
    geometry: { type: 'LineString', coordinates: [[11.97, 57.7], [11.98, 57.71, 40]] }, // biome-ignore format: a line
  };
  const point = (lon: number, time: string) => ({
    type: 'Feature',
    properties: { truckId: 'dots', time, speedKmh: 50 },
    geometry: { type: 'Point', coordinates: [lon, 57.6] },
  });
  const features = [line, point(11.9, '2014-05-10T07:20:55Z'), point(11.91, '2014-05-10T07:20:58Z')];
  const [first, second] = readTracks('day.geojson', JSON.stringify({ type: 'FeatureCollection', features }));
  expect(first).toEqual({
    truckId: 'line',
    fixes: [
      { lon: 11.97, lat: 57.7, tsMs: recordedMs },
      { lon: 11.98, lat: 57.71, altitudeM: 40, tsMs: recordedMs + 1_000 },
    ],
  });
  expect(second!.truckId).toBe('dots');
  expect(second!.fixes.map(({ tsMs, speedKmh }) => [tsMs, speedKmh])).toEqual([
    [recordedMs, 50],
    [recordedMs + 3_000, 50],
  ]);
});

test('a file without a track is refused with what was expected', () => {
  expect(() => readTracks('notes.txt', '')).toThrow('notes.txt: expected a name ending in .gpx, .kml, .csv');
  expect(() => readTracks('empty.geojson', '{"type":"FeatureCollection","features":[]}')).toThrow('no track in it');
  expect(() => readTracks('day.csv', 'a,b\n1,2\n')).toThrow(
    'day.csv: expected a column named lat, latitude, latitude_deg, y; saw a, b',
  );
});

test('tracks of the same name become trucks of different names', () => {
  const twice = gpxText.replace('<trk><trkseg>', '<trk><name>Truck 7 / north</name><trkseg>');
  expect(readTracks('day.gpx', twice).map(({ truckId }) => truckId)).toEqual(['Truck-7-north', 'Truck-7-north-2']);
});

const startMs = Date.UTC(2026, 0, 1);

function replay(more: Partial<ConstructorParameters<typeof Replay>[0]>): Replay {
  const tracks = readTracks('day.gpx', gpxText);
  return new Replay({ tracks, times: 'now', speed: 1, startMs, everyMs: 1_000, ...more });
}

test('a replay preserves the distances in time, between tracks too', () => {
  const day = replay({});
  expect(day.advance(startMs).map(({ lat }) => lat)).toEqual([57.7]);
  expect(day.advance(startMs + 1_999)).toEqual([]);
  expect(day.advance(startMs + 10_000).map(({ lat, tsMs }) => [lat, tsMs - startMs])).toEqual([
    [57.6, 2_000],
    [57.61, 4_000],
    [57.71, 10_000],
  ]);
  expect(day.isOver).toBe(false);
  expect(day.advance(startMs + 120_000)).toHaveLength(2);
  expect(day.isOver).toBe(true);
});

test('a replay at ten times the speed is ten times shorter', () => {
  const day = replay({ speed: 10 });
  expect(day.advance(startMs + 12_000).at(-1)).toMatchObject({ lat: 57.73, tsMs: startMs + 12_000 });
  expect(day.isOver).toBe(true);
});

test('original times are preserved to the millisecond, whatever the speed', () => {
  const times = replay({ speed: 100, times: 'original' })
    .advance(startMs + 1_200)
    .map(({ tsMs }) => tsMs - recordedMs);
  expect(times).toEqual([0, 2_000, 4_000, 10_000, 115_000, 120_000]);
});

test('a track without times sends one position per interval', () => {
  const tracks = readTracks('day.csv', 'lat,lon\n57.7,11.9\n57.8,11.9\n57.9,11.9\n');
  const day = replay({ tracks, everyMs: 5_000 });
  expect(day.advance(startMs + 5_000)).toHaveLength(2);
  expect(day.advance(startMs + 10_000)).toMatchObject([{ lat: 57.9, tsMs: startMs + 10_000 }]);
});

test('a position that is not sent now is not lost', () => {
  const day = replay({});
  expect(day.advance(startMs + 120_000, 4)).toHaveLength(4);
  expect(day.advance(startMs + 120_000, 4)).toHaveLength(2);
  expect(day.isOver).toBe(true);
});
