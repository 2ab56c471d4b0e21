import { parseAvro, type ResolvedSchema, type SchemaSource, writeAvro, writeSchemaId } from '@milepost/serdes';
import { encodePosition, type Position } from './position.ts';
import { PositionReader } from './position-reader.ts';
import { positionEncoder, positionSchema } from './position-schema.ts';

const POSITION: Position = {
  truckId: 't-1',
  ts: '2026-11-22T10:00:00Z',
  lat: 57.7,
  lon: 11.97,
  speedKmh: 0,
  ignition: false,
  source: 'milepost',
  other: { door: 'open' },
};
const THEIRS: ResolvedSchema = {
  type: 'AVRO',
  references: [],
  text: JSON.stringify({
    type: 'record',
    name: 'Theirs',
    fields: [
      { name: 'truckId', type: 'string' },
      { name: 'ts', type: 'string' },
      { name: 'lat', type: 'float' },
      { name: 'lon', type: ['null', 'double'] },
      { name: 'colour', type: ['null', 'string'] },
    ],
  }),
};
const SCHEMAS = new Map([
  [1, positionSchema('avro')],
  [2, positionSchema('protobuf')],
  [3, THEIRS],
]);
const source: SchemaSource = { schema: async (id) => SCHEMAS.get(id) };
const valuesOf = (...values: (Buffer | null)[]) => values.map((value) => ({ value }));

test('JSON, Avro and Protobuf are read mixed, and give the same position', async () => {
  const refused: string[] = [];
  const reader = new PositionReader(source, (reason) => refused.push(reason));
  const values = [
    encodePosition(POSITION),
    positionEncoder('avro', 1)(POSITION),
    positionEncoder('protobuf', 2)(POSITION),
    positionEncoder('json', 0)(POSITION),
  ];
  await reader.prepare(valuesOf(...values));
  for (const value of values) expect(reader.read(value)).toEqual(POSITION);
  expect(refused).toEqual([]);
});

test('a batch of JSON waits for nothing', () => {
  const reader = new PositionReader(source, () => {});
  expect(reader.prepare(valuesOf(encodePosition(POSITION), null))).toBeUndefined();
});

test('a schema of others with the names of a position is one, with what it lacks absent', async () => {
  const reader = new PositionReader(source, () => {});
  const theirs = { truckId: 't-1', ts: POSITION.ts, lat: 0.5, lon: 11.97, colour: null };
  const value = Buffer.concat([writeSchemaId(3), writeAvro(parseAvro(THEIRS), theirs)]);
  await reader.prepare(valuesOf(value));
  expect(reader.read(value)).toEqual({ truckId: 't-1', ts: POSITION.ts, lat: 0.5, lon: 11.97, source: '' });
});

test('what is no position is counted with its reason, and the next one is read', async () => {
  const reasons: string[] = [];
  const reader = new PositionReader(source, (reason) => reasons.push(reason));
  const nowhere = { truckId: 't-1', ts: POSITION.ts, lat: 0.5, lon: null, colour: null };
  const values = [
    Buffer.from('hello'),
    Buffer.concat([writeSchemaId(9), Buffer.of(1)]),
    Buffer.concat([writeSchemaId(1), Buffer.of(1)]),
    Buffer.concat([writeSchemaId(3), writeAvro(parseAvro(THEIRS), nowhere)]),
  ];
  await reader.prepare(valuesOf(...values));
  for (const value of values) expect(reader.read(value)).toBeUndefined();
  expect(reasons).toEqual([
    'expected a position in JSON',
    'schema 9 is not in the registry',
    'expected -1 more bytes at 1, got 0',
    'expected the fields of a position',
  ]);
  expect(reader.read(encodePosition(POSITION))).toEqual(POSITION);
});
