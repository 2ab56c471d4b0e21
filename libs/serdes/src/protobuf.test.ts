import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { messageAt, parseProtobuf } from './protobuf-schema.ts';
import { readProtobuf, writeProtobuf } from './protobuf.ts';
import { SchemaInvalid } from './schema.ts';
import { WrongType } from './value.ts';

const parsed = (text: string, references: Record<string, string> = {}) =>
  parseProtobuf({
    type: 'PROTOBUF',
    text,
    references: Object.entries(references).map(([name, one]) => ({ name, text: one })),
  });

const RIDE = `syntax = "proto3";
package fleet;
enum Kind { CAR = 0; TRUCK = 1; }
message Ride {
  message Stop { double lat = 1; }
  string truck_id = 1;
  optional double speed_kmh = 2;
  repeated Stop stops = 3;
  map<string, int64> counters = 4;
  Kind kind = 5;
  bytes raw = 6;
}
message Other { fleet.Ride.Stop at = 1; }`;

const message = (schema: ReturnType<typeof parsed>, ...indexes: number[]): protobuf.Type => {
  const found = messageAt(schema, indexes);
  if (!found) throw new Error(`no message ${indexes.join('.')}`);
  return found;
};

test('a message is read with the names of the JSON mapping', () => {
  const type = message(parsed(RIDE), 0);
  const ride = { truckId: 't-1', speedKmh: 0, stops: [{ lat: 57.7 }], counters: { n: 5 }, kind: 1, raw: Buffer.of(1) };
  expect(readProtobuf(type, writeProtobuf(type, ride))).toEqual({ ...ride, kind: 'TRUCK' });
});

test('a field that was not sent is absent if its presence is tracked, and else has its default', () => {
  const type = message(parsed(RIDE), 0);
  const { raw, ...read } = readProtobuf(type, Buffer.alloc(0)) as { raw: Uint8Array };
  expect(read).toEqual({ truckId: '', kind: 'CAR', stops: [], counters: {} });
  expect(raw).toHaveLength(0);
});

test('a message is found by its place in the file, inner ones too', () => {
  const schema = parsed(RIDE);
  expect(message(schema, 1).name).toBe('Other');
  expect(message(schema, 0, 0).name).toBe('Stop');
  expect(messageAt(schema, [2])).toBeUndefined();
  expect(messageAt(schema, [0, 1])).toBeUndefined();
});

test('a number of 64 bits is exact', () => {
  const type = message(parsed('syntax = "proto3"; message N { int64 a = 1; uint64 b = 2; }'), 0);
  const bytes = Buffer.from('08ffffffffffffffff7f10ffffffffffffffffff01', 'hex');
  expect(readProtobuf(type, bytes)).toEqual({ a: 9223372036854775807n, b: 18446744073709551615n });
});

test('imported files come from references, and Google’s own are known', () => {
  const text = `syntax = "proto3"; package fleet; import "ride.proto"; import "google/protobuf/timestamp.proto";
    message Tour { Ride ride = 1; google.protobuf.Timestamp at = 2; }`;
  const schema = parsed(text, { 'ride.proto': RIDE });
  expect(schema.messages.map(({ name }) => name)).toEqual(['Tour']);
  const tour = { ride: { truckId: 't-1' }, at: { seconds: 5, nanos: 0 } };
  const type = message(schema, 0);
  expect(readProtobuf(type, writeProtobuf(type, tour))).toMatchObject(tour);
  expect(() => parsed(text)).toThrow(/imports without a reference: ride\.proto/);
});

test('a file descriptor in base64 is a schema, as the Python client registers it', () => {
  const { root } = protobuf.parse(RIDE.replace('package fleet;', 'package fleet.v1;').replace('fleet.Ride', 'Ride'));
  const set = (root as unknown as { toDescriptor(edition: string): { file: unknown[] } }).toDescriptor('proto3');
  const file = descriptor.FileDescriptorProto.encode(set.file.at(-1) as object).finish();
  const schema = parsed(Buffer.from(file).toString('base64'));
  expect(schema.packageName).toBe('fleet.v1');
  const type = message(schema, 0);
  expect(readProtobuf(type, writeProtobuf(type, { truckId: 't-1', stops: [{ lat: 1 }] }))).toMatchObject({
    truckId: 't-1',
    stops: [{ lat: 1 }],
  });
  expect(message(schema, 0, 0).name).toBe('Stop');
});

test('a file descriptor imports files, as descriptors and as Google’s own', () => {
  const described = (text: string): string => {
    const { root } = protobuf.parse(text);
    const [file] = (root.toDescriptor('proto3') as unknown as { file: object[] }).file;
    return Buffer.from(descriptor.FileDescriptorProto.encode(file as object).finish()).toString('base64');
  };
  const point = described('syntax = "proto3"; package geo; message Point { double lat = 1; }');
  const file = descriptor.FileDescriptorProto.encode({
    package: 'geo',
    syntax: 'proto3',
    dependency: ['point.proto', 'google/protobuf/timestamp.proto'],
    messageType: [
      {
        name: 'Stop',
        field: [
          { name: 'place', number: 1, type: 11, label: 1, typeName: '.geo.Point' },
          { name: 'left_at', number: 2, type: 11, label: 1, typeName: '.google.protobuf.Timestamp' },
        ],
      },
    ],
  }).finish();
  const schema = parsed(Buffer.from(file).toString('base64'), { 'point.proto': point });
  expect(schema.messages.map(({ name }) => name)).toEqual(['Stop']);
  const type = message(schema, 0);
  const stop = { place: { lat: 1 }, leftAt: { seconds: 7, nanos: 0 } }; // named as from a .proto file
  expect(readProtobuf(type, writeProtobuf(type, stop))).toEqual(stop);
});

test.each([
  ['the end is missing', '0a05'],
  ['a group without its end', '0b'],
  ['a tag of zero', '00'],
])('wrong bytes are refused: %s', (_, bytes) => {
  expect(() => readProtobuf(message(parsed(RIDE), 0), Buffer.from(bytes, 'hex'))).toThrow(WrongType);
});

test('a message that nests too deep is refused before the stack ends', () => {
  const type = message(parsed('syntax = "proto3"; message List { List next = 1; }'), 0);
  let bytes: Buffer = Buffer.alloc(0);
  for (let n = 0; n < 2_000; n++) bytes = writeProtobufField(bytes);
  expect(() => readProtobuf(type, bytes)).toThrow(WrongType);
});

function writeProtobufField(inner: Buffer): Buffer {
  const length: number[] = [];
  let rest = inner.length;
  for (; rest >= 0x80; rest >>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.of(0x0a, ...length, rest), inner]);
}

test.each([
  ['no .proto file', 'message {', /expected a \.proto file/],
  ['an unknown type', 'syntax = "proto3"; message M { Nothing a = 1; }', /Nothing/],
  ['no message', 'syntax = "proto3"; package p;', /expected a message or an enum/],
  ['too deep', 'message M {'.repeat(10_000) + '}'.repeat(10_000), /at most 100 nested messages/],
  ['too large', `syntax = "proto3"; // ${'x'.repeat(600_000)}`, /at most 524288 bytes/],
])('a wrong schema is one clear line: %s', (_, text, line) => {
  expect(() => parsed(text)).toThrow(SchemaInvalid);
  expect(() => parsed(text)).toThrow(line);
});
