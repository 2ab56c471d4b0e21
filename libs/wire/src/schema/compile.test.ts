import { ByteReader, ByteWriter, GatherWriter, MalformedMessage, Offset } from '@milepost/core';
import { Api, api } from './api.ts';
import { array, bytes, int32, int64, offset, records, type Shape, string, struct } from './field.ts';

const parcel = api({
  key: 1000,
  name: 'Parcel',
  versions: [0, 4],
  flexible: 2,
  request: {
    name: string.nullable(2),
    weight: int32.default(7),
    owner: string.since(1),
    note: string.default('').since(3),
    hint: string.default('').since(3).ignorable(),
    label: struct({ text: string.default('-'), size: int32.default(-1) })
      .tag(0)
      .since(2),
    stops: array(int32).tag(3).since(2),
  },
  response: { position: offset, extra: int32.default(0).since(4) },
});

const said = api({
  key: 1001,
  name: 'Said',
  versions: [0, 0],
  flexible: 0,
  request: { text: string },
  response: { text: string },
});

type Codec = ReturnType<typeof parcel.request>;
function written(codec: Codec, value: Parameters<Codec['write']>[1]): Buffer {
  const writer = new ByteWriter();
  codec.write(writer, value);
  return writer.finish();
}
const read = (version: number, hex: string) =>
  parcel.request(version).read(new ByteReader(Buffer.from(hex.replaceAll(' ', ''), 'hex')));
const hex = (version: number, value: Parameters<Codec['write']>[1]): string =>
  written(parcel.request(version), value).toString('hex');

test('lengths are two or four bytes wide before a version is flexible, and varints plus one from then on', () => {
  expect(hex(1, { name: 'ab', owner: 'c' })).toBe('00026162' + '00000007' + '000163');
  expect(hex(2, { name: 'ab', owner: 'c' })).toBe('036162' + '00000007' + '0263' + '00');
});

test('a field that a version lacks decodes to its default', () => {
  expect(read(0, '000161 00000001')).toEqual({
    name: 'a',
    weight: 1,
    owner: '',
    note: '',
    hint: '',
    label: { text: '-', size: -1 },
    stops: [],
  });
});

test('a tagged field is sent only when it differs from its default', () => {
  const value = { name: 'a', owner: 'b', label: { text: '-' }, stops: [] };
  expect(hex(2, value)).toBe('0261' + '00000007' + '0262' + '00');
  const said = { ...value, label: { size: 5 }, stops: [9] };
  expect(hex(2, said)).toBe('0261' + '00000007' + '0262' + '02' + '0007022d0000000500' + '03050200000009');
  expect(parcel.request(2).read(new ByteReader(written(parcel.request(2), said)))).toMatchObject({
    label: { text: '-', size: 5 },
    stops: [9],
  });
});

test('an unknown tag is skipped', () => {
  expect(read(2, '0261 00000007 0262 01 63 03 010203')).toMatchObject({ name: 'a', owner: 'b' });
});

test.each([
  ['more', '0261 00000007 0262 01 03 04 0200000009'],
  ['less', '0261 00000007 0262 01 03 06 0200000009 00'],
])('a known tag that takes %s than the size it announced is malformed', (_, frame) => {
  expect(() => read(2, frame)).toThrow(/Parcel request v2, body: tag 3 should end at \d+, ended at \d+/);
});

test('null is malformed where the version has no null, and the field is named', () => {
  expect(() => read(1, 'ffff')).toThrow('Parcel request v1, name: null');
  expect(() => read(1, 'ffff')).toThrow(MalformedMessage);
  expect(read(2, '00 00000007 0262 00').name).toBeNull();
});

test('a compact string has the same limit as an old one', () => {
  const longest = written(parcel.request(2), { name: 'x'.repeat(0x7fff), owner: '' });
  expect(parcel.request(2).read(new ByteReader(longest)).name).toHaveLength(0x7fff);
  expect(() => read(2, `818002 ${'78'.repeat(0x8000)} 00000007 01 00`)).toThrow('a string of 32768 bytes');
  expect(() => hex(2, { name: 'x'.repeat(0x8000), owner: '' })).toThrow('a string of 32768 bytes');
  expect(() => hex(1, { name: 'x'.repeat(0x8000), owner: '' })).toThrow('a string of 32768 bytes');
});

test('a response that quotes the longest name is cut between two characters, a request is refused', () => {
  const [request, response] = [said.request(0), said.response(0)];
  const writer = new ByteWriter();
  response.write(writer, { text: `a${'ä'.repeat(0x4000)}` });
  expect(response.read(new ByteReader(writer.finish())).text).toBe(`a${'ä'.repeat(0x3fff)}`);
  expect(() => request.write(new ByteWriter(), { text: 'x'.repeat(0x8000) })).toThrow('a string of 32768 bytes');
});

test('a message of a million items and more is malformed before they cost memory', () => {
  const items = 1_000_001;
  const writer = new ByteWriter();
  parcel.request(2).write(writer, { name: 'a', owner: 'b', stops: Array.from({ length: items }, () => 1) });
  expect(() => parcel.request(2).read(new ByteReader(writer.finish()))).toThrow(
    'Parcel request v2, stops: more than 1000000 items in one message',
  );
});

test('a request refuses a value that its version cannot carry', () => {
  expect(() => hex(2, { name: 'a', owner: 'b', note: 'lost' })).toThrow('Parcel request v2, note: not in this version');
  expect(() => hex(1, { name: 'a', owner: 'b', label: { size: 1 } })).toThrow('label: not in this version');
  expect(hex(2, { name: 'a', owner: 'b', note: '', hint: 'may be lost', label: {} })).toBe(
    hex(2, { name: 'a', owner: 'b' }),
  );
});

test('a response leaves out fields that its version lacks', () => {
  const writer = new ByteWriter();
  parcel.response(3).write(writer, { position: Offset(1), extra: 5 });
  expect(writer.finish().toString('hex')).toBe('000000000000000100');
});

test('a field that this version requires cannot be left out, nor null where it is not nullable', () => {
  expect(() => hex(1, { name: 'a' })).toThrow('Parcel request v1, owner: required in this version');
  expect(() => hex(1, { owner: 'a' } as never)).toThrow('Parcel request v1, name: required in this version');
  expect(() => hex(1, { name: null, owner: 'a' })).toThrow('Parcel request v1, name: null');
});

test('a version outside the range is not compiled', () => {
  expect(() => parcel.request(5)).toThrow('Parcel has versions 0 to 4, asked for 5');
  expect(parcel.supports(-1)).toBe(false);
});

test('a codec is compiled once', () => {
  expect(parcel.request(2)).toBe(parcel.request(2));
});

function responseOf<S extends Shape>(response: S) {
  return new Api({ key: 1001, name: 'Answer', versions: [0, 1], flexible: 1, request: {}, response });
}

test('nullable structs are preceded by a byte', () => {
  const cursor = responseOf({ cursor: struct({ at: int32 }).nullable().default(null) });
  const writer = new ByteWriter();
  cursor.response(1).write(writer, {});
  cursor.response(1).write(writer, { cursor: { at: 3 } });
  expect(writer.finish().toString('hex')).toBe('ff00' + '010000000300' + '00');
  const reader = new ByteReader(writer.finish());
  expect(cursor.response(1).read(reader)).toEqual({ cursor: null });
  expect(cursor.response(1).read(reader)).toEqual({ cursor: { at: 3 } });
});

test('producer ids keep all 64 bits, offsets saturate at 2^53 - 1', () => {
  const ids = responseOf({ producerId: int64, position: offset });
  const frame = Buffer.from('7fffffffffffffff7fffffffffffffff', 'hex');
  expect(ids.response(0).read(new ByteReader(frame))).toEqual({
    producerId: 2n ** 63n - 1n,
    position: Number.MAX_SAFE_INTEGER,
  });
});

test('records decode to a view into the frame and are gathered without a copy', () => {
  const answer = responseOf({ before: int32, records, after: bytes });
  const batch = Buffer.alloc(10_000, 1);
  const writer = new GatherWriter();
  answer.response(0).write(writer, { before: 1, records: batch, after: Buffer.from('end') });
  const [, piece] = writer.chunks();
  expect(piece?.buffer).toBe(batch.buffer);
  expect(piece?.byteOffset).toBe(batch.byteOffset);
  const frame = Buffer.concat(writer.chunks());
  expect(frame).toHaveLength(writer.sizeBytes);
  const decoded = answer.response(0).read(new ByteReader(frame));
  expect(decoded.records?.buffer).toBe(frame.buffer);
  expect(decoded).toEqual({ before: 1, records: batch, after: Buffer.from('end') });
});
