// The output of an LZ77 decoder: literals, and copies of earlier output. It grows with what is really unpacked, never
// beyond the limit, and refuses (MalformedMessage) any reference outside its input or its own output.
import { MalformedMessage } from '@milepost/core';

/** The bytes unpack to more than the caller's limit. They may also be malformed after that point. */
export class UnpacksToMore extends MalformedMessage {}

const FIRST_BYTES = 4096;
/** Up to this size a loop is faster than a call that leaves JavaScript. */
const SHORT_BYTES = 32;

export class Unpacked {
  readonly #codec: string;
  readonly #limitBytes: number;
  #buffer: Buffer;
  #length = 0;
  /** The end of the current block, and how far back its copies may reach. */
  #end = 0;
  #floor = 0;

  /**
   * `firstBytes`: for output known to become large. The system maps the pages of a large buffer as they are written.
   */
  constructor(codec: string, limitBytes: number, firstBytes = FIRST_BYTES) {
    this.#codec = codec;
    this.#limitBytes = limitBytes;
    this.#buffer = firstBytes > FIRST_BYTES ? Buffer.allocUnsafeSlow(firstBytes) : Buffer.allocUnsafe(firstBytes);
  }

  get length(): number {
    return this.#length;
  }
  /** Bytes that the current block may still write. */
  get room(): number {
    return this.#end - this.#length;
  }

  /** Begins a block of at most that many bytes. `linked`: its copies may reach into earlier blocks. */
  begin(mostBytes: number, linked = false): void {
    this.#end = this.#length + mostBytes;
    if (!linked) this.#floor = this.#length;
  }

  literal(source: Buffer, at: number, length: number): void {
    if (at + length > source.length)
      throw new MalformedMessage(`${this.#codec}: literal of ${length} at ${at}, ${source.length - at} bytes left`);
    this.#reserve(length);
    const buffer = this.#buffer;
    let to = this.#length;
    this.#length = to + length;
    if (length > SHORT_BYTES) source.copy(buffer, to, at, at + length);
    else for (let from = at; from < at + length; ) buffer[to++] = source[from++] as number;
  }

  /** Copies `length` bytes from `distance` back; where they overlap, the bytes just written repeat. */
  copy(distance: number, length: number): void {
    if (distance < 1 || distance > this.#length - this.#floor)
      throw new MalformedMessage(`${this.#codec}: copy from ${distance} back at ${this.#length - this.#floor}`);
    this.#reserve(length);
    const buffer = this.#buffer;
    const to = this.#length;
    this.#length = to + length;
    if (distance >= length && length > SHORT_BYTES) buffer.copyWithin(to, to - distance, to - distance + length);
    else if (distance === 1) buffer.fill(buffer[to - 1] as number, to, to + length);
    else for (let at = to; at < to + length; at++) buffer[at] = buffer[at - distance] as number;
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(length: number): void {
    const wanted = this.#length + length;
    if (wanted > this.#end) throw new MalformedMessage(`${this.#codec}: block of more than its ${this.#end} bytes`);
    if (wanted > this.#limitBytes)
      throw new UnpacksToMore(`${this.#codec}: more than ${this.#limitBytes} bytes unpacked`);
    if (wanted <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.min(this.#limitBytes, Math.max(wanted, this.#buffer.length * 2)));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
