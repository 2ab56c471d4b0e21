import { parseAvro } from './avro-schema.ts';
import { readAvro, writeAvro } from './avro.ts';
import { SchemaInvalid } from './schema.ts';
import { WrongType } from './value.ts';

const typeOf = (schema: unknown, ...references: unknown[]) =>
  parseAvro({
    type: 'AVRO',
    text: JSON.stringify(schema),
    references: references.map((one, index) => ({ name: `reference-${index}`, text: JSON.stringify(one) })),
  });
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** The first five are the specification's own examples ("Binary Encoding"). */
const BYTES: readonly [string, unknown, unknown, string][] = [
  ['a long', 'long', 64, '80 01'],
  ['a string', 'string', 'foo', '06 66 6f 6f'],
  [
    'a record',
    record('test', [
      ['a', 'long'],
      ['b', 'string'],
    ]),
    { a: 27, b: 'foo' },
    '36 06 66 6f 6f',
  ],
  ['an array', { type: 'array', items: 'long' }, [3, 27], '04 06 36 00'],
  ['a union', ['null', 'string'], 'a', '02 02 61'],
  ['the smallest long', 'long', -9223372036854775808n, 'ff ff ff ff ff ff ff ff ff 01'],
  ['the largest exact number', 'long', Number.MAX_SAFE_INTEGER, 'fe ff ff ff ff ff ff 1f'],
  ['an int', 'int', -2147483648, 'ff ff ff ff 0f'],
  ['a double', 'double', 57.7, '9a 99 99 99 99 d9 4c 40'],
  ['a float', 'float', 0.5, '00 00 00 3f'],
  ['a boolean', 'boolean', true, '01'],
  ['null', 'null', null, ''],
  ['bytes', 'bytes', Buffer.from([1, 2]), '04 01 02'],
  ['a fixed', { type: 'fixed', name: 'f', size: 2 }, Buffer.from([1, 2]), '01 02'],
  ['an enum', { type: 'enum', name: 'e', symbols: ['A', 'B'] }, 'B', '02'],
  ['a map', { type: 'map', values: 'int' }, { a: 1 }, '02 02 61 02 00'],
  ['a logical type', { type: 'long', logicalType: 'timestamp-millis' }, 1, '02'],
];

function record(name: string, fields: readonly [string, unknown, unknown?][]) {
  return {
    type: 'record',
    name,
    fields: fields.map(([field, type, fallback]) => ({
      name: field,
      type,
      ...(fallback !== undefined && { default: fallback }),
    })),
  };
}

test.each(BYTES)('%s has the bytes of the specification, and is read back', (_, schema, value, bytes) => {
  const type = typeOf(schema);
  expect(writeAvro(type, value).toString('hex')).toBe(bytes.replaceAll(' ', ''));
  expect(readAvro(type, hex(bytes))).toEqual(value);
});

test('a block with its size in bytes is read', () => {
  expect(readAvro(typeOf({ type: 'array', items: 'long' }), hex('03 04 06 36 00'))).toEqual([3, 27]);
});

test('types of other schemas are found by their full names, and a type in itself', () => {
  const point = { type: 'record', name: 'geo.Point', fields: [{ name: 'lat', type: 'double' }] };
  const type = typeOf(
    record('Ride', [
      ['at', 'geo.Point'],
      ['next', ['null', 'Ride'], null],
    ]),
    point,
  );
  const ride = { at: { lat: 1 }, next: { at: { lat: 2 }, next: null } };
  expect(readAvro(type, writeAvro(type, ride))).toEqual(ride);
});

test('an absent field is written with its default', () => {
  const type = typeOf(record('r', [['a', 'int', 7]]));
  expect(readAvro(type, writeAvro(type, {}))).toEqual({ a: 7 });
});

test.each([
  ['the end is missing', 'string', '06 66 6f'],
  ['there is more', 'int', '02 02'],
  ['a branch that is none', ['null', 'int'], '04'],
  ['a negative branch', ['null', 'int'], '01'],
  ['a symbol that is none', { type: 'enum', name: 'e', symbols: ['A'] }, '02'],
  ['a boolean that is none', 'boolean', '02'],
  ['an int of more than 32 bits', 'int', '80 80 80 80 80 01'],
  ['a varint without an end', 'long', 'ff ff ff ff ff ff ff ff ff ff 01'],
  ['a negative length', 'bytes', '01'],
  ['text that is not UTF-8', 'string', '02 ff'],
  ['more items than a value may have', { type: 'array', items: 'null' }, '80 80 80 80 80 80 01 00'],
  ['items that the bytes do not hold', { type: 'array', items: 'int' }, '80 80 01 02'],
])('wrong bytes are refused and nothing else happens: %s', (_, schema, bytes) => {
  expect(() => readAvro(typeOf(schema), hex(bytes))).toThrow(WrongType);
});

test('a value that nests too deep is refused before the stack ends', () => {
  const type = typeOf(record('List', [['next', ['null', 'List']]]));
  expect(() => readAvro(type, Buffer.alloc(1_000_000, 2))).toThrow(/at most 100 nested values/);
  const endless = typeOf(record('Endless', [['itself', 'Endless']]));
  expect(() => readAvro(endless, Buffer.alloc(0))).toThrow(/at most 100 nested values/);
});

test.each([
  ['no JSON', '{', /expected JSON/],
  ['an unknown name', '"nothing"', /undefined type name: "nothing"/],
  [
    'a type twice',
    JSON.stringify([
      { type: 'fixed', name: 'f', size: 1 },
      { type: 'fixed', name: 'f', size: 2 },
    ]),
    /redefine: f/,
  ],
  ['a branch twice', '["int","int"]', /int twice in a union/],
  ['a union in a union', '["int",["string"]]', /union directly in a union/],
  [
    'a field twice',
    JSON.stringify(
      record('r', [
        ['a', 'int'],
        ['a', 'int'],
      ]),
    ),
    /field a twice/,
  ],
  [
    'a default of another type',
    JSON.stringify(record('r', [['a', 'int', 'x']])),
    /r\.a: "x" is no default of the type int/,
  ],
  ['a bad name', JSON.stringify(record('1', [])), /expected a name, got "1"/],
  ['too deep', '{"type":"array","items":'.repeat(1_000) + '"int"' + '}'.repeat(1_000), /at most 100 nested types/],
  ['too large', JSON.stringify({ type: 'string', doc: 'x'.repeat(600_000) }), /at most 524288 bytes/],
])('a wrong schema is one clear line: %s', (_, text, message) => {
  const parse = () => parseAvro({ type: 'AVRO', text, references: [] });
  expect(parse).toThrow(SchemaInvalid);
  expect(parse).toThrow(message);
});
