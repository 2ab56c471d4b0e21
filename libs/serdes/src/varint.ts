// Zigzag varints, as Avro and Confluent's message indexes have them: seven bits a byte, the lowest first.
import { WrongType } from './value.ts';

/** A position in the bytes of one value. Reading past the end throws WrongType. */
export class Cursor {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** The start of the next `length` bytes. */
  take(length: number): number {
    const start = this.at;
    if (length < 0 || start + length > this.bytes.length)
      throw new WrongType(`expected ${length} more bytes at ${start}, got ${this.bytes.length - start}`);
    this.at = start + length;
    return start;
  }

  byte(): number {
    return this.bytes[this.take(1)] as number;
  }

  /** A number where it is exact, else a bigint. */
  long(): number | bigint {
    let value = 0;
    let factor = 1;
    for (let length = 1; length <= 7; length++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      factor *= 0x80;
    }
    return this.#longOf(BigInt(value));
  }

  #longOf(sevenBytes: bigint): number | bigint {
    let value = sevenBytes;
    for (let shift = 49n; shift <= 63n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return narrowed(BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n)));
    }
    throw new WrongType(`expected a varint of at most 10 bytes, which ends before ${this.at}`);
  }

  /** @throws WrongType beyond 32 bits. */
  int(): number {
    const value = this.long();
    if (typeof value === 'bigint' || value !== (value | 0)) throw new WrongType(`expected 32 bits, got ${value}`);
    return value;
  }
}

const narrowed = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

export function writeVarint(value: number | bigint): Buffer {
  const wide = BigInt(value);
  let rest = BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n));
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
