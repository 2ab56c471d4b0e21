// Bounded cursors over bytes, in the wire's own types (big-endian, KIP-482 varints). Reading past the end throws
// MalformedMessage and never yields undefined. A count that the remaining bytes cannot hold allocates nothing.
import { type Uuid, uuidFromBytes } from './ids.ts';

/** Bytes that are not what they must be. Our parsers fail in no other way. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

export class ByteReader {
  readonly buffer: Buffer;
  readonly #end: number;
  #at: number;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.buffer = buffer;
    this.#at = start;
    this.#end = end;
  }

  get position(): number {
    return this.#at;
  }
  get remaining(): number {
    return this.#end - this.#at;
  }

  int8(): number {
    return this.buffer.readInt8(this.#take(1));
  }
  int16(): number {
    return this.buffer.readInt16BE(this.#take(2));
  }
  uint16(): number {
    return this.buffer.readUInt16BE(this.#take(2));
  }
  int32(): number {
    return this.buffer.readInt32BE(this.#take(4));
  }
  uint32(): number {
    return this.buffer.readUInt32BE(this.#take(4));
  }
  /** Opaque 64 bits, such as a producer id. */
  int64(): bigint {
    return this.buffer.readBigInt64BE(this.#take(8));
  }
  /** An offset, a timestamp, a size: saturates at ±(2^53 - 1), so that an absurd value remains absurd. */
  long(): number {
    const at = this.#take(8);
    const value = this.buffer.readInt32BE(at) * 0x1_0000_0000 + this.buffer.readUInt32BE(at + 4);
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
  }
  float64(): number {
    return this.buffer.readDoubleBE(this.#take(8));
  }
  bool(): boolean {
    return this.int8() !== 0;
  }
  uuid(): Uuid {
    return uuidFromBytes(this.buffer, this.#take(16));
  }
  /** At most 5 bytes, up to 2^32 - 1. */
  uvarint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.buffer[this.#take(1)] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) throw new MalformedMessage(`varint ${value} at ${this.#at} is wider than 32 bits`);
        return value;
      }
    }
    throw new MalformedMessage(`varint at ${this.#at} is longer than 5 bytes`);
  }
  /** Zigzag, 32 bits. */
  varint(): number {
    const value = this.uvarint();
    return (value >>> 1) ^ -(value & 1);
  }
  /** Zigzag, 64 bits, saturating like `long`. Nearly all of them are short; a bigint costs ten times as much. */
  varlong(): number {
    let short = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.buffer[this.#take(1)] as number;
      short |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (short >>> 1) ^ -(short & 1);
    }
    return this.#restOfVarlong(BigInt(short));
  }
  #restOfVarlong(low: bigint): number {
    let value = low;
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.buffer[this.#take(1)] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        const signed = BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
        return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(signed)));
      }
    }
    throw new MalformedMessage(`varlong at ${this.#at} is longer than 10 bytes`);
  }
  /** UTF-8 of the given length in bytes. */
  utf8(length: number): string {
    const at = this.#take(length);
    return this.buffer.toString('utf8', at, at + length);
  }
  /** A view, not a copy. */
  slice(length: number): Buffer {
    const at = this.#take(length);
    return this.buffer.subarray(at, at + length);
  }
  skip(length: number): void {
    this.#take(length);
  }
  /** A count of items of at least `leastBytes` each, checked against the remaining bytes before any allocation. */
  count(items: number, leastBytes = 1): number {
    if (items < 0 || items * leastBytes > this.remaining)
      throw new MalformedMessage(`${items} items announced at ${this.#at}, ${this.remaining} bytes left`);
    return items;
  }

  #take(length: number): number {
    const at = this.#at;
    if (length < 0 || at + length > this.#end)
      throw new MalformedMessage(`${length} bytes wanted at ${at}, ${this.#end - at} left`);
    this.#at = at + length;
    return at;
  }
}

export class ByteWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(sizeBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(sizeBytes);
  }

  get position(): number {
    return this.#at;
  }
  /** The bytes written so far; a view that the next write may detach. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  int8(value: number): void {
    const at = this.#reserve(1);
    this.#buffer.writeInt8(value, at);
  }
  int16(value: number): void {
    const at = this.#reserve(2);
    this.#buffer.writeInt16BE(value, at);
  }
  uint16(value: number): void {
    const at = this.#reserve(2);
    this.#buffer.writeUInt16BE(value, at);
  }
  int32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeInt32BE(value, at);
  }
  uint32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
  }
  int64(value: bigint): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigInt64BE(value, at);
  }
  /** A whole number within ±(2^53 - 1). */
  long(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeInt32BE(Math.floor(value / 0x1_0000_0000), at);
    this.#buffer.writeUInt32BE(value >>> 0, at + 4);
  }
  float64(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleBE(value, at);
  }
  bool(value: boolean): void {
    this.int8(value ? 1 : 0);
  }
  uuid(value: string): void {
    const at = this.#reserve(16);
    this.#buffer.write(value.replaceAll('-', ''), at, 'hex');
  }
  uvarint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#byte((rest % 128) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.#byte(rest);
  }
  varint(value: number): void {
    this.uvarint(((value << 1) ^ (value >> 31)) >>> 0);
  }
  varlong(value: number): void {
    if (value === (value | 0)) {
      this.varint(value);
      return;
    }
    let rest = value >= 0 ? BigInt(value) * 2n : BigInt(value) * -2n - 1n;
    while (rest > 0x7fn) {
      this.#byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#byte(Number(rest));
  }
  /** `length` is `Buffer.byteLength(value)`, which the caller has just written as the prefix. */
  utf8(value: string, length: number): void {
    const at = this.#reserve(length);
    this.#buffer.write(value, at, length, 'utf8');
  }
  raw(value: Uint8Array): void {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
  }
  /** Overwrites four bytes written earlier, such as a length known only at the end. */
  patchInt32(position: number, value: number): void {
    this.#buffer.writeInt32BE(value, position);
  }

  #byte(value: number): void {
    const at = this.#reserve(1);
    this.#buffer[at] = value;
  }

  /** May replace the buffer: call it before `this.#buffer` is looked up, never inside a call on it. */
  #reserve(length: number): number {
    const at = this.#at;
    if (at + length > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, at + length));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    this.#at = at + length;
    return at;
  }
}

/** From this size on a reference costs less than a copy. */
const GATHER_FROM_BYTES = 4096;

/**
 * Writes large pieces by reference: `chunks` returns the written bytes as a list of buffers, for a gathering send. A
 * piece written by reference must not change until it has been sent.
 */
export class GatherWriter extends ByteWriter {
  readonly #pieces: { readonly at: number; readonly bytes: Buffer }[] = [];
  #pieceBytes = 0;

  /** All written bytes; `position` counts only the copied ones. */
  get sizeBytes(): number {
    return this.position + this.#pieceBytes;
  }
  override raw(value: Uint8Array): void {
    if (value.length < GATHER_FROM_BYTES) {
      super.raw(value);
      return;
    }
    this.#pieces.push({ at: this.position, bytes: Buffer.from(value.buffer, value.byteOffset, value.length) });
    this.#pieceBytes += value.length;
  }
  chunks(): Buffer[] {
    const copied = this.finish();
    const chunks: Buffer[] = [];
    let from = 0;
    for (const { at, bytes } of this.#pieces) {
      if (at > from) chunks.push(copied.subarray(from, at));
      chunks.push(bytes);
      from = at;
    }
    if (copied.length > from) chunks.push(copied.subarray(from));
    return chunks;
  }
}
