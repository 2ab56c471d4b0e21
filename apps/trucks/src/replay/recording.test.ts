import { isoTime } from '@milepost/fleet';
import { recordedDegrees, recordedNumber, recordedTime } from './recorded-value.ts';
import { readRecording } from './track.ts';

/** `truck time lat lon` of each position, as the replay will send it. */
function positionsOf(fileName: string, content: string | Buffer): string[] {
  return readRecording(fileName, Buffer.from(content as string)).tracks.flatMap(({ truckId, fixes }) =>
    fixes.map(({ tsMs, lat, lon }) => `${truckId} ${tsMs === undefined ? '-' : isoTime(tsMs)} ${lat} ${lon}`),
  );
}
const summaryOf = (fileName: string, content: string): string => readRecording(fileName, Buffer.from(content)).summary;

const gpx = (body: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1">${body}</gpx>`;
const point = (lat: string, lon: string, time?: string): string =>
  `<trkpt lat="${lat}" lon="${lon}">${time === undefined ? '' : `<time>${time}</time>`}</trkpt>`;
const track = (name: string, ...points: string[]): string =>
  `<trk><name>${name}</name><trkseg>${points.join('')}</trkseg></trk>`;
const lorry = track('lorry', point('57.702', '11.972', '2024-05-01T10:00:10Z'));

describe('a GPX recording', () => {
  test('may write decimal commas in its attributes', () => {
    const text = gpx(track('comma', point('57,702', '11,972', '2024-05-01T10:00:10Z')));
    expect(positionsOf('a.gpx', text)).toEqual(['comma 2024-05-01T10:00:10Z 57.702 11.972']);
  });

  test('keeps the times of the points that have one, and counts the points that have none', () => {
    const text = gpx(
      track(
        'sigma',
        point('57.700', '11.970'),
        point('57.701', '11.971', '2024-05-01T10:00:00Z'),
        point('57.702', '11.972', '2024-05-01T10:00:10Z'),
        point('57.703', '11.973'),
      ),
    );
    expect(positionsOf('a.gpx', text)).toEqual([
      'sigma 2024-05-01T10:00:00Z 57.701 11.971',
      'sigma 2024-05-01T10:00:10Z 57.702 11.972',
    ]);
    expect(summaryOf('a.gpx', text)).toBe('1 truck, 2 positions; passed over: 2 points without a time');
  });

  test('may have waypoints, which are not trucks, and a planned route, which is ignored beside a track', () => {
    const places = '<wpt lat="57.6" lon="11.8"><name>fuel stop</name></wpt>';
    const route = '<rte><name>plan</name><rtept lat="57.7" lon="11.9"/><rtept lat="57.8" lon="11.9"/></rte>';
    expect(positionsOf('a.gpx', gpx(places + route + lorry))).toEqual(['lorry 2024-05-01T10:00:10Z 57.702 11.972']);
    expect(summaryOf('a.gpx', gpx(places + route + lorry))).toMatch(/passed over: 1 waypoints, 1 routes$/);
    expect(positionsOf('a.gpx', gpx(places + route))).toEqual(['plan - 57.7 11.9', 'plan - 57.8 11.9']);
    expect(() => positionsOf('a.gpx', gpx(places))).toThrow('a.gpx: no track in it');
  });

  test('is refused if it ends in the middle', () => {
    const text = gpx(lorry);
    expect(() => positionsOf('a.gpx', text.slice(0, -20))).toThrow('a.gpx: expected XML to its end');
  });

  test('is read to the last of its twenty thousand points', () => {
    const points = Array.from({ length: 20_000 }, (_, n) => point('57.7', `${11 + n / 1e6}`, '2024-05-01T10:00:00Z'));
    expect(positionsOf('a.gpx', gpx(track('long', ...points)))).toHaveLength(20_000);
  });
});

test('a byte order mark, UTF-16 and a declared encoding change nothing', () => {
  const line =
    '{"type":"Feature","properties":{"name":"bom"},"geometry":{"type":"LineString","coordinates":[[11,57]]}}';
  expect(positionsOf('a.geojson', `\uFEFF${line}`)).toEqual(['bom - 57 11']);
  expect(positionsOf('a.gpx', `\uFEFF${gpx(lorry)}`)).toHaveLength(1);
  expect(positionsOf('a.gpx', Buffer.from(`\uFEFF${gpx(lorry)}`, 'utf16le'))).toHaveLength(1);
  expect(positionsOf('a.csv', Buffer.from('lat,lon\n1,2\n', 'utf16le'))).toEqual(['track - 1 2']);
  const latin = gpx(track('Göta', point('57.7', '11.9'))).replace('UTF-8', 'ISO-8859-1');
  expect(readRecording('a.gpx', Buffer.from(latin, 'latin1')).tracks[0]!.truckId).toBe('G-ta');
});

describe('a CSV recording', () => {
  test.each([
    ['Latitude,LatitudeDir,Longitude,LongitudeDir\n33.9,S,70.6,W\n'],
    ['lat,N/S,lon,E/W\n33.9,S,70.6,W\n'],
    ['lat,lon\n33.9 S,W70.6\n'],
    ['lat,lon\n"33° 54\' 0"" S","70° 36\' W"\n'],
    ['Latitude;Longitude\n-33,9;-70,6\n'],
    ['sep=;\nLatitude;Longitude\n-33,9;-70,6\n'],
  ])('keeps the hemisphere and the decimals: %j', (text) => {
    expect(positionsOf('a.csv', text)).toEqual(['track - -33.9 -70.6']);
  });

  test('uses the separator of its header line, whatever a note contains', () => {
    const text = 'lat,lon,name,note\n57.701,11.971,truck,foo; bar; baz\n';
    expect(positionsOf('a.csv', text)).toEqual(['truck - 57.701 11.971']);
  });

  test('names its trucks by device; a number that counts the rows names none', () => {
    const traccar =
      'id,deviceId,fixTime,valid,latitude,longitude\n101,7,2024-05-01T10:00:00Z,true,1,2\n102,7,2024-05-01T10:00:10Z,false,1,2\n';
    expect(positionsOf('a.csv', traccar)).toEqual(['7 2024-05-01T10:00:00Z 1 2']);
    expect(summaryOf('a.csv', traccar)).toContain('passed over: 1 rows without a valid fix');
    expect(positionsOf('a.csv', 'id,lat,lon\n1,57,11\n2,57,12\n')).toEqual(['track - 57 11', 'track - 57 12']);
    expect(positionsOf('a.csv', 'id,lat,lon\nA,57,11\nA,57,12\nB,1,2\n')).toEqual([
      'A - 57 11',
      'A - 57 12',
      'B - 1 2',
    ]);
  });

  test.each([
    ['Date,Time,lat,lon\n2024-05-01,10:05:00,1,2\n'],
    ['time,lat,lon\n2024/05/01 10:05:00,1,2\n'],
    ['time;lat;lon\n01.05.2024 10:05;1;2\n'],
    ['time,lat,lon\n2024-05-01 12:05:00+02:00,1,2\n'],
    ['timestamp,lat,lon\n1714557900,1,2\n'],
    ['timestamp,lat,lon\n1714557900000000,1,2\n'],
  ])('may have times in any usual form, UTC where no zone is written: %j', (text) => {
    expect(positionsOf('a.csv', text)).toEqual(['track 2024-05-01T10:05:00Z 1 2']);
  });

  test.each([
    ['lat,lon\n1,2\n1,east\n', 'a.csv: line 3: longitude: expected degrees from -180 to 180, saw "east"'],
    ['lat,lon\n5742.4,11\n', 'a.csv: line 2: latitude: expected degrees from -90 to 90, saw "5742.4"'],
    ['lat,lon,time\n1,2,05/01/2024\n', 'a.csv: line 2: time: expected ISO 8601'],
    ['lat,lon\n1,2,3\n', 'a.csv: Invalid Record Length'],
  ])('is refused with the line that cannot be parsed: %j', (text, message) => {
    expect(() => positionsOf('a.csv', text)).toThrow(message);
  });

  test('may have rows without coordinates', () => {
    expect(summaryOf('a.csv', 'lat,lon\n1,2\n,\n')).toBe(
      '1 truck, 1 positions; passed over: 1 rows without coordinates',
    );
  });
});

test('a KML track has its times; places are skipped', () => {
  const text = `<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2"><Document>
    <Placemark><name>depot</name><Point><coordinates>11.9,57.7</coordinates></Point></Placemark>
    <Placemark><name>van</name><gx:Track><when>2024-05-01T10:00:00Z</when><when>2024-05-01T10:00:10Z</when>
    <gx:coord>11.97 57.70 1</gx:coord><gx:coord>11.98 57.71 1</gx:coord></gx:Track></Placemark></Document></kml>`;
  expect(positionsOf('a.kml', text)).toEqual([
    'van 2024-05-01T10:00:00Z 57.7 11.97',
    'van 2024-05-01T10:00:10Z 57.71 11.98',
  ]);
  expect(summaryOf('a.kml', text)).toContain('passed over: 1 placemarks that are no track');
});

test('a value is read whole or not at all', () => {
  expect(['1.5', '1,5', ' -2 ', '1e2', '', '1.5x', '1,234.5', 'NaN'].map(recordedNumber)).toEqual(
    [1.5, 1.5, -2, 100, undefined, undefined, undefined, undefined], // biome-ignore format: one line beside the other
  );
  expect(['N 1', '1 N 2', 'N1S', '1 X'].map((text) => recordedDegrees(text))).toEqual([
    1,
    undefined,
    undefined,
    undefined,
  ]);
  expect(['yesterday', '2024-02-30', '2024-13-01', '10:00:00'].map(recordedTime)).toEqual(Array(4).fill(undefined));
});
