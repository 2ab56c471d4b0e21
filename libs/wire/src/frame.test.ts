import { ByteReader, ErrorCode, MalformedMessage, NO_BROKER, Offset } from '@milepost/core';
import { FrameAssembler, MAX_FRAME_BYTES, requestFrame, responseFrame } from './frame.ts';
import { readRequestHeader, readResponseHeader } from './header.ts';
import { ApiVersions, apiOf, Fetch, Heartbeat } from './messages/index.ts';

const framed = (...bodies: string[]): Buffer =>
  Buffer.concat(
    bodies.flatMap((body) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(body.length);
      return [length, Buffer.from(body)];
    }),
  );

const texts = (frames: Iterable<Buffer>): string[] => Array.from(frames, (frame) => frame.toString());

test('frames are whole, however the stream was cut', () => {
  const bodies = ['position', '', 'x', 'a longer one'.repeat(20)];
  const stream = framed(...bodies);
  for (let size = 1; size <= stream.length; size++) {
    const assembler = new FrameAssembler();
    const seen: string[] = [];
    for (let at = 0; at < stream.length; at += size)
      seen.push(...texts(assembler.frames(stream.subarray(at, at + size))));
    expect(seen).toEqual(bodies);
    expect(assembler.pendingBytes).toBe(0);
  }
});

test('a frame keeps its bytes when the chunk is reused', () => {
  const chunk = framed('first', 'second');
  const frames = [...new FrameAssembler().frames(chunk)];
  chunk.fill(0);
  expect(texts(frames)).toEqual(['first', 'second']);
});

/** Lends one buffer again and again, which reveals any use after its return. */
class OneBuffer {
  readonly buffer = Buffer.alloc(8);
  isFree = true;
  take(): Buffer {
    expect(this.isFree).toBe(true);
    this.isFree = false;
    return this.buffer;
  }
  giveBack(buffer: Buffer): void {
    expect(buffer).toBe(this.buffer);
    this.isFree = true;
    this.buffer.fill('.');
  }
}

test('a frame is lent, as part of the chunk or in memory that is returned later, or it is kept', () => {
  const memory = new OneBuffer();
  const assembler = new FrameAssembler(100, memory);
  const chunk = framed('first', 'second', 'third');
  const lent = [...assembler.lent(chunk.subarray(0, 15)), ...assembler.lent(chunk.subarray(15, 19))];
  expect(texts(lent)).toEqual(['first', '......']);
  expect(memory.isFree).toBe(true);
  const kept = Array.from(assembler.lent(chunk.subarray(19)), (frame) => assembler.keep(frame));
  for (const part of [chunk.subarray(0, 6), chunk.subarray(6, 9)])
    for (const frame of assembler.lent(part)) kept.push(assembler.keep(frame));
  chunk.fill(0);
  expect(texts(kept)).toEqual(['third', 'first']);
  expect(memory.isFree).toBe(false); // it belongs to the frame now
});

test.each([
  ['below 0', -1],
  ['above the limit', 101],
])('a length %s is malformed, and the frames before it still come', (_, length) => {
  const wrong = Buffer.alloc(4);
  wrong.writeInt32BE(length);
  const frames = new FrameAssembler(100).frames(Buffer.concat([framed('good'), wrong]));
  expect(frames.next().value?.toString()).toBe('good');
  expect(() => frames.next()).toThrow(MalformedMessage);
});

test('a length of 100 MB only allocates for the bytes that have arrived', () => {
  const before = process.memoryUsage().arrayBuffers;
  const length = Buffer.alloc(5);
  length.writeInt32BE(MAX_FRAME_BYTES);
  const assemblers = Array.from({ length: 8 }, () => new FrameAssembler());
  for (const assembler of assemblers) expect([...assembler.frames(length)]).toEqual([]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
  expect(assemblers.map((assembler) => assembler.pendingBytes)).toEqual(Array.from({ length: 8 }, () => 5));
});

test('a large frame that grew in steps has exactly its size and bytes', () => {
  const body = Buffer.alloc(9_000_001, 'milepost');
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  const stream = Buffer.concat([length, body, framed('next')]);
  const assembler = new FrameAssembler();
  const frames: Buffer[] = [];
  for (let at = 0; at < stream.length; at += 65_536) frames.push(...assembler.frames(stream.subarray(at, at + 65_536)));
  expect(frames.map((frame) => frame.length)).toEqual([body.length, 4]);
  expect(frames[0]?.equals(body)).toBe(true);
});

test.each([
  [3, null],
  [4, 'gåteway'],
])('a request frame of version %i is read back, client id %p', (apiVersion, clientId) => {
  const header = { apiVersion, correlationId: 77, clientId };
  const body = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null };
  const [frame] = new FrameAssembler().frames(requestFrame(Heartbeat, header, body));
  const reader = new ByteReader(frame as Buffer);
  expect(readRequestHeader(reader)).toEqual({ apiKey: Heartbeat.key, ...header });
  expect(Heartbeat.request(apiVersion).read(reader)).toEqual(body);
  expect(reader.remaining).toBe(0);
});

test('tagged fields of a request header are skipped', () => {
  const reader = new ByteReader(Buffer.from('000c0004000000010001610100020102' + 'ee', 'hex'));
  expect(readRequestHeader(reader)).toEqual({ apiKey: 12, apiVersion: 4, correlationId: 1, clientId: 'a' });
  expect(reader.remaining).toBe(1);
});

test('the header of an unknown API is read up to the client id', () => {
  const reader = new ByteReader(Buffer.from('7fff0004000000010001610100020102', 'hex'));
  expect(readRequestHeader(reader)).toMatchObject({ apiKey: 0x7fff, clientId: 'a' });
  expect(apiOf(0x7fff)).toBeUndefined();
});

test('the response header of ApiVersions has no tagged fields in any version', () => {
  const body = { errorCode: ErrorCode.NONE, apiKeys: [] };
  for (const version of [0, 3, 4]) {
    const frame = Buffer.concat(responseFrame(ApiVersions, version, 5, body));
    expect(frame.subarray(4, 10).toString('hex')).toBe('000000050000');
    const reader = new ByteReader(frame.subarray(4));
    expect(readResponseHeader(reader, ApiVersions, version)).toBe(5);
    expect(ApiVersions.response(version).read(reader)).toMatchObject(body);
  }
});

test('a fetch response is sent with its records by reference and a length that counts them', () => {
  const records = Buffer.alloc(5000, 3);
  const partition = {
    partitionIndex: 0,
    errorCode: ErrorCode.NONE,
    highWatermark: Offset(9),
    abortedTransactions: null,
    records,
  };
  const chunks = responseFrame(Fetch, 12, 5, {
    responses: [{ topic: 'truck_gps', partitions: [partition, partition] }],
  });
  expect(chunks.filter((chunk) => chunk.buffer === records.buffer)).toHaveLength(2);
  const [frame] = new FrameAssembler().frames(Buffer.concat(chunks));
  const reader = new ByteReader(frame as Buffer);
  expect(readResponseHeader(reader, Fetch, 12)).toBe(5);
  expect(Fetch.response(12).read(reader).responses[0]?.partitions).toEqual([
    expect.objectContaining({ ...partition, preferredReadReplica: NO_BROKER }),
    expect.objectContaining(partition),
  ]);
});
