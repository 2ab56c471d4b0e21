// Confluent's wire format:
//
//   byte 0      magic 0
//   bytes 1-4   the schema's id, big-endian
//   Protobuf    the message's place in its file: a count, then an index for each level of nesting, all zigzag varints; a
//               count of 0 is short for the file's first message
//   then        the payload
//
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
import { VALUE_LIMITS, WrongType } from './value.ts';
import { Cursor, writeVarint } from './varint.ts';

const MAGIC = 0;
const HEADER_BYTES = 5;

/** Undefined: the value begins without one. JSON never begins with a zero byte. */
export const schemaIdOf = (value: Buffer): number | undefined =>
  value[0] === MAGIC && value.length >= HEADER_BYTES ? value.readInt32BE(1) : undefined;

export const payloadOf = (value: Buffer): Buffer => value.subarray(HEADER_BYTES);

export function writeSchemaId(schemaId: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt32BE(schemaId, 1);
  return header;
}

/** The path to a message in its file, and the message's bytes. @throws WrongType */
export function readMessageIndexes(payload: Buffer): {
  readonly indexes: readonly number[];
  readonly message: Buffer;
} {
  const cursor = new Cursor(payload);
  const count = cursor.int();
  if (count < 0 || count > VALUE_LIMITS.depth)
    throw new WrongType(`expected 0 to ${VALUE_LIMITS.depth} message indexes, got ${count}`);
  const indexes = Array.from({ length: count }, () => cursor.int());
  return { indexes: count === 0 ? [0] : indexes, message: payload.subarray(cursor.at) };
}

export function writeMessageIndexes(indexes: readonly number[]): Buffer {
  if (indexes.length === 1 && indexes[0] === 0) return Buffer.of(0);
  return Buffer.concat([indexes.length, ...indexes].map(writeVarint));
}
