// Every API in every version: values generated from the declarations survive the wire, damaged frames are recognized.
import { ByteReader, ByteWriter, MalformedMessage } from '@milepost/core';
import type { AnyApi } from '../schema/api.ts';
import type { Codec } from '../schema/compile.ts';
import { type AnyField, fallbackOf, type Shape } from '../schema/field.ts';
import { apis, Metadata } from './index.ts';

const MUTATED_FRAMES = 50_000;

/** mulberry32: small, and the same seed gives the same test. */
function chance(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** A value of the shape as it decodes in this version: absent fields hold their defaults. */
function structOf(shape: Shape, version: number, below: (limit: number) => number): Record<string, unknown> {
  const fields = Object.entries(shape).map(([name, field]) => {
    const exists = field.rules.since <= version && version <= field.rules.until;
    return [name, exists ? valueOf(field, version, below) : fallbackOf(field)];
  });
  return Object.fromEntries(fields);
}

function valueOf(field: AnyField, version: number, below: (limit: number) => number): unknown {
  const { kind } = field;
  if (field.rules.nullableSince <= version && below(4) === 0) return null;
  if (field.rules.tag >= 0 && below(2) === 0) return fallbackOf(field);
  const any = <T>(...values: T[]): T => values[below(values.length)] as T;
  switch (kind.type) {
    case 'int8':
      return any(0, 1, -1, 127, -128);
    case 'int16':
      return any(0, 1, -1, 0x7fff, -0x8000);
    case 'uint16':
      return any(0, 9092, 0xffff);
    case 'int32':
      return any(0, 1, -1, 0x7fffffff, -0x80000000);
    case 'uint32':
      return any(0, 0xffffffff);
    case 'int64':
      return any(0n, -1n, 2n ** 63n - 1n, -(2n ** 63n));
    case 'long':
      return any(0, -1, 1_700_000_000_000, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER);
    case 'float64':
      return any(0, -1.5, 1e300);
    case 'bool':
      return below(2) === 0;
    case 'uuid':
      return any('00000000-0000-0000-0000-000000000000', '0f8fad5b-d9cb-469f-a165-70867728950e');
    case 'string':
      return any('', 'truck_gps', 'Göteborg 🚚', 'x'.repeat(200));
    case 'bytes':
      return Buffer.alloc(any(0, 1, 200), 7);
    case 'array':
      return Array.from({ length: below(4) }, () => valueOf(kind.item, version, below));
    case 'struct':
      return structOf(kind.shape, version, below);
  }
}

interface Message {
  readonly name: string;
  readonly codec: Codec<unknown>;
  readonly shape: Shape;
  readonly version: number;
}

function messagesOf(api: AnyApi): Message[] {
  const versions = Array.from({ length: api.newest - api.oldest + 1 }, (_, index) => api.oldest + index);
  return versions.flatMap((version) => [
    { name: `${api.name} request v${version}`, codec: api.request(version), shape: api.spec.request, version },
    { name: `${api.name} response v${version}`, codec: api.response(version), shape: api.spec.response, version },
  ]);
}

function encoded(codec: Codec<unknown>, value: unknown): Buffer {
  const writer = new ByteWriter();
  codec.write(writer, value);
  return writer.finish();
}

test.each(apis.map((api) => [api.name, api] as const))('%s survives the wire in each of its versions', (_, api) => {
  const below = chance(api.key);
  for (const { name, codec, shape, version } of messagesOf(api)) {
    for (let round = 0; round < 8; round++) {
      const value = structOf(shape, version, below);
      const bytes = encoded(codec, value);
      const reader = new ByteReader(bytes);
      const decoded = codec.read(reader);
      expect({ name, value: decoded, left: reader.remaining }).toEqual({ name, value, left: 0 });
      expect(encoded(codec, decoded).equals(bytes)).toBe(true);
    }
  }
});

test('every cut of a message is recognized as malformed', () => {
  const below = chance(7);
  for (const { name, codec, shape, version } of apis.flatMap(messagesOf)) {
    const bytes = encoded(codec, structOf(shape, version, below));
    for (let size = 0; size < bytes.length; size += 1 + below(bytes.length / 8)) {
      let failure: unknown = `${name}, cut from ${bytes.length} to ${size} bytes, was read`;
      try {
        codec.read(new ByteReader(bytes.subarray(0, size)));
      } catch (error) {
        failure = error;
      }
      expect(failure).toBeInstanceOf(MalformedMessage);
    }
  }
});

test(`${MUTATED_FRAMES} damaged frames end in a value or in MalformedMessage`, () => {
  const below = chance(20261122);
  const messages = apis.flatMap(messagesOf);
  const outcomes = { read: 0, malformed: 0 };
  for (let round = 0; round < MUTATED_FRAMES; round++) {
    const { name, codec, shape, version } = messages[below(messages.length)] as Message;
    const bytes = damaged(encoded(codec, structOf(shape, version, below)), below);
    try {
      codec.read(new ByteReader(bytes));
      outcomes.read++;
    } catch (error) {
      if (!(error instanceof MalformedMessage))
        throw new Error(`${name} from ${bytes.toString('hex')}`, { cause: error });
      outcomes.malformed++;
    }
  }
  expect(outcomes.read).toBeGreaterThan(MUTATED_FRAMES / 100);
  expect(outcomes.malformed).toBeGreaterThan(MUTATED_FRAMES / 100);
});

function damaged(bytes: Buffer, below: (limit: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  for (let times = 1 + below(3); times > 0 && copy.length > 0; times--) {
    const at = below(copy.length);
    if (below(2) === 0) copy[at] = below(256);
    else copy.fill(0xff, at, Math.min(copy.length, at + 1 + below(5)));
  }
  return below(4) === 0 ? copy.subarray(0, below(copy.length + 1)) : copy;
}

test.each([0, 9])('a forged count allocates nothing (Metadata v%i)', (version) => {
  const writer = new ByteWriter();
  if (Metadata.isFlexible(version)) writer.uvarint(0x7fffffff);
  else writer.int32(0x7ffffffe);
  writer.int32(0);
  const frame = writer.finish();
  const before = process.memoryUsage().heapUsed;
  for (let times = 0; times < 100; times++)
    expect(() => Metadata.request(version).read(new ByteReader(frame))).toThrow('2147483646 items announced');
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(32 * 1024 * 1024);
});

test('APIs are listed once, in the order of their keys', () => {
  expect(new Set(apis.map((api) => api.key)).size).toBe(apis.length);
  expect(apis.map((api) => api.key)).toEqual(apis.map((api) => api.key).toSorted((a, b) => a - b));
});
