import { parseAvro } from './avro-schema.ts';
import { writeAvro } from './avro.ts';
import { Deserializer, type Format } from './deserializer.ts';
import { writePrimitive } from './primitives.ts';
import type { ResolvedSchema } from './schema.ts';
import { VALUE_LIMITS } from './value.ts';
import { readMessageIndexes, schemaIdOf, writeMessageIndexes, writeSchemaId } from './wire-format.ts';

const schemaOf = (type: ResolvedSchema['type'], text: string): ResolvedSchema => ({ type, text, references: [] });
const SCHEMAS: Record<number, ResolvedSchema> = {
  1: schemaOf('AVRO', '"string"'),
  2: schemaOf('PROTOBUF', 'syntax = "proto3"; message A { int32 n = 1; } message B { string s = 1; }'),
  3: schemaOf('JSON', '{"type":"object"}'),
  4: schemaOf('AVRO', '{"type":"broken"}'),
  5: schemaOf('AVRO', '"bytes"'),
};

class Source {
  readonly asked: number[] = [];
  isAway = false;
  async schema(id: number): Promise<ResolvedSchema | undefined> {
    if (this.isAway) throw new Error('the registry does not respond');
    this.asked.push(id);
    return SCHEMAS[id];
  }
}

const withId = (id: number, payload: Buffer | string): Buffer =>
  Buffer.concat([writeSchemaId(id), Buffer.from(payload as string)]);
const avro = (text: string): Buffer => withId(1, writeAvro(parseAvro(SCHEMAS[1] as ResolvedSchema), text));

async function read(value: Buffer, setting: Format = 'json') {
  const deserializer = new Deserializer(new Source());
  await deserializer.prepare([value]);
  return deserializer.read(value, setting);
}

test('a value is read by its schema id, whatever the topic is set to', async () => {
  for (const setting of ['json', 'avro', 'protobuf'] as const)
    expect(await read(avro('hello'), setting)).toEqual({ value: 'hello' });
  expect(await read(withId(2, Buffer.of(2, 2, 0x0a, 1, 0x78)))).toEqual({ value: { s: 'x' } });
  expect(await read(withId(2, Buffer.of(0, 8, 5)))).toEqual({ value: { n: 5 } });
  expect(await read(withId(3, '{"a":1}'))).toEqual({ value: { a: 1 } });
  expect(await read(withId(5, Buffer.of(7, 8)))).toEqual({ value: Buffer.of(7, 8) });
});

test('without a schema id the setting of the topic decides', async () => {
  expect(await read(Buffer.from('{"a":1}'))).toEqual({ value: { a: 1 } });
  expect(await read(Buffer.from('t-1'), 'string')).toEqual({ value: 't-1' });
  expect(await read(Buffer.of(0, 0, 1, 0), 'int')).toEqual({ value: 256 });
  expect(await read(Buffer.of(0x3f, 0, 0, 0), 'float')).toEqual({ value: 0.5 });
});

test('a topic of strings has no schema ids: a zero byte is one of its characters', async () => {
  expect(await read(Buffer.from('\0\0\0\0\x01x'), 'string')).toEqual({ value: '\0\0\0\0\x01x' });
});

test.each<[string, Buffer, Format, RegExp]>([
  ['another type', Buffer.from('{"a":1}'), 'avro', /expected avro with a schema id/],
  ['no JSON', Buffer.from('hello'), 'json', /expected JSON/],
  ['five bytes of int', Buffer.alloc(5), 'int', /expected the 4 bytes of int, got 5/],
  ['no UTF-8', Buffer.of(0xff), 'string', /expected UTF-8/],
  ['an unknown id', withId(99, ''), 'json', /schema 99 is not in the registry/],
  ['a broken schema', withId(4, 'x'), 'json', /schema 4: undefined type name/],
  ['bytes of another schema', withId(1, Buffer.of(200, 1)), 'json', /expected 100 more bytes/],
  ['a message that the file does not have', withId(2, Buffer.of(2, 8)), 'json', /got index 4/],
  ['no message index', withId(2, ''), 'json', /expected 1 more bytes/],
  ['too large', Buffer.alloc(VALUE_LIMITS.bytes + 1), 'json', /expected a value of at most/],
])('what cannot be read is a refusal with its reason: %s', async (_, value, setting, reason) => {
  expect((await read(value, setting)).refusal).toMatch(reason);
});

test('values without ids wait for nothing, and a schema is read once', async () => {
  const source = new Source();
  const deserializer = new Deserializer(source);
  expect(deserializer.prepare([Buffer.from('{}'), null])).toBeUndefined();
  await deserializer.prepare([avro('a'), avro('b')]);
  expect(deserializer.prepare([avro('c')])).toBeUndefined();
  expect(source.asked).toEqual([1]);
});

test('a registry that is away is no property of the record: the caller retries', async () => {
  const source = new Source();
  const deserializer = new Deserializer(source);
  source.isAway = true;
  await expect(deserializer.prepare([avro('a')])).rejects.toThrow('does not respond');
  source.isAway = false;
  await deserializer.prepare([avro('a')]);
  expect(deserializer.read(avro('a'), 'json')).toEqual({ value: 'a' });
});

test('the wire format has Confluent’s bytes', () => {
  expect(writeSchemaId(258)).toEqual(Buffer.of(0, 0, 0, 1, 2));
  expect(schemaIdOf(Buffer.of(0, 0, 0, 1, 2))).toBe(258);
  expect(schemaIdOf(Buffer.from('{"a":1}'))).toBeUndefined();
  expect(writeMessageIndexes([0])).toEqual(Buffer.of(0));
  expect(writeMessageIndexes([1, 0])).toEqual(Buffer.of(4, 2, 0));
  expect(readMessageIndexes(Buffer.of(4, 2, 0, 9))).toEqual({ indexes: [1, 0], message: Buffer.of(9) });
  expect(writePrimitive('int', 256)).toEqual(Buffer.of(0, 0, 1, 0));
  expect(writePrimitive('float', 0.5)).toEqual(Buffer.of(0x3f, 0, 0, 0));
});
