// Unpacks snappy as Kafka's clients write it: raw (librdkafka, Go, Rust) or in the Java library's framing ("xerial": 82
// 'SNAPPY' 00, two versions, then chunks of int32 length + raw snappy).
//
// A raw chunk is the unpacked length (varint) and then elements, by the two low bits of a tag:
//   00 literal        length-1 in the six high bits; 60..63: in the next 1..4 bytes
//   01 copy           length-4 in bits 2-4, offset in bits 5-7 (high) and one byte
//   10 copy, 11 copy  length-1 in the six high bits, offset in two or four bytes (little-endian)
import { ByteReader, MalformedMessage } from '@milepost/core';
import { STEP_BYTES, type Steps } from './steps.ts';
import { Unpacked } from './unpacked.ts';

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

export function unpackSnappy(bytes: Buffer, limitBytes: number): Buffer {
  const output = new Unpacked('snappy', limitBytes);
  for (const chunk of chunksOf(bytes)) unpackElements(chunk, beginChunk(chunk, output), chunk.length, output);
  return output.finish();
}

/** Yields about once per unpacked megabyte. */
export function* snappySteps(bytes: Buffer, limitBytes: number): Steps<Buffer> {
  const output = new Unpacked('snappy', limitBytes, limitBytes);
  let next = STEP_BYTES;
  for (const chunk of chunksOf(bytes))
    for (let at = beginChunk(chunk, output); at < chunk.length; ) {
      at = unpackElements(chunk, at, Math.min(chunk.length, at + STEP_BYTES / DENSEST_RATIO), output);
      if (output.length < next) continue;
      next = output.length + STEP_BYTES;
      yield;
    }
  return output.finish();
}

const chunksOf = (bytes: Buffer): Iterable<Buffer> =>
  bytes.subarray(0, XERIAL.length).equals(XERIAL) ? xerialChunks(bytes) : [bytes];

function* xerialChunks(bytes: Buffer): Generator<Buffer> {
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    // Concatenated streams repeat the header.
    if (bytes.subarray(at, at + XERIAL.length).equals(XERIAL)) {
      at += XERIAL_HEADER_BYTES;
      continue;
    }
    if (at + 4 > bytes.length) throw new MalformedMessage(`snappy: chunk length cut off at ${at}`);
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new MalformedMessage(`snappy: chunk at ${at} ends at ${end}, past ${bytes.length}`);
    yield bytes.subarray(at + 4, end);
    at = end;
  }
}

/** The densest possible encoding is copies of 64 bytes in three. */
const DENSEST_RATIO = 22;

/** Returns the position of the first element. */
function beginChunk(bytes: Buffer, output: Unpacked): number {
  const reader = new ByteReader(bytes);
  const announced = reader.uvarint();
  if (announced > bytes.length * DENSEST_RATIO)
    throw new MalformedMessage(`snappy: ${announced} bytes announced by ${bytes.length}`);
  output.begin(announced);
  if (reader.remaining === 0) checkEnd(output);
  return reader.position;
}

/** Unpacks the elements that begin before `until`. Returns the position of the next one. */
function unpackElements(bytes: Buffer, from: number, until: number, output: Unpacked): number {
  let at = from;
  while (at < until) {
    const tag = bytes[at++] as number;
    const extra = extraBytes(tag);
    if (at + extra > bytes.length) throw new MalformedMessage(`snappy: element cut off at ${at}`);
    const number = littleEndian(bytes, at, extra);
    at += extra;
    const kind = tag & 3;
    if (kind === 0) {
      const length = (extra === 0 ? tag >> 2 : number) + 1;
      output.literal(bytes, at, length);
      at += length;
    } else if (kind === 1) output.copy(((tag >> 5) << 8) | number, ((tag >> 2) & 7) + 4);
    else output.copy(number, (tag >> 2) + 1);
  }
  if (at === bytes.length) checkEnd(output);
  return at;
}

function checkEnd(output: Unpacked): void {
  if (output.room !== 0) throw new MalformedMessage(`snappy: ${output.room} bytes missing`);
}

/** The number of bytes of length or offset that follow the tag. */
function extraBytes(tag: number): number {
  const kind = tag & 3;
  if (kind === 0) return Math.max(0, (tag >> 2) - 59);
  return kind === 3 ? 4 : kind;
}

function littleEndian(bytes: Buffer, at: number, count: number): number {
  let value = 0;
  for (let n = at + count - 1; n >= at; n--) value = value * 256 + (bytes[n] as number);
  return value;
}
