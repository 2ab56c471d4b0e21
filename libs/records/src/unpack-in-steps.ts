// Unpacks the records of a batch that may unpack to a hundred megabytes, without holding the event loop: gzip and zstd
// beside it (the host's inflater), lz4 and snappy on it in steps of about a megabyte, with other work between them.
//
// Returns the same bytes as `decompress`, and throws MalformedMessage for the same inputs.
import { type Inflater, MalformedMessage } from '@milepost/core';
import { type Codec, notOfCodec, tooLarge } from './compression.ts';
import { lz4Steps } from './lz4.ts';
import { snappySteps } from './snappy.ts';
import { inSteps, type Stepping } from './steps.ts';

/** @throws MalformedMessage for bytes that are not of the codec, are cut off, or unpack to more than the limit. */
export async function unpackInSteps(
  codec: Codec,
  bytes: Buffer,
  limitBytes: number,
  stepping: Stepping,
): Promise<Buffer> {
  switch (codec) {
    case 'none':
      return bytes;
    case 'gzip':
    case 'zstd':
      return inflated(codec, bytes, limitBytes, stepping.inflater);
    case 'snappy':
      return inSteps(snappySteps(bytes, limitBytes), stepping);
    case 'lz4':
      return inSteps(lz4Steps(bytes, limitBytes), stepping);
  }
}

async function inflated(
  codec: 'gzip' | 'zstd',
  bytes: Buffer,
  limitBytes: number,
  inflater: Inflater,
): Promise<Buffer> {
  const gathered = new Gathered(limitBytes);
  try {
    await inflater.inflate(codec, bytes, (piece) => {
      if (!gathered.add(piece)) throw tooLarge(codec, bytes, limitBytes);
    });
  } catch (failure) {
    if (failure instanceof MalformedMessage) throw failure;
    throw notOfCodec(codec, bytes, failure);
  }
  return gathered.whole();
}

/** Joining this much at the end takes a few milliseconds. */
const JOINED_AT_ONCE_BYTES = 8 * 1024 * 1024;

/** An unknown number of pieces: a few are joined at the end; many are copied into one buffer as they arrive. */
class Gathered {
  readonly #limitBytes: number;
  #pieces: Uint8Array[] = [];
  #buffer: Buffer | undefined;
  #length = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** False if that would exceed the limit. */
  add(piece: Uint8Array): boolean {
    const at = this.#length;
    this.#length += piece.length;
    if (this.#length > this.#limitBytes) return false;
    if (this.#buffer === undefined && this.#length > JOINED_AT_ONCE_BYTES) {
      this.#buffer = Buffer.allocUnsafeSlow(this.#limitBytes); // the system maps the pages as they are written
      Buffer.concat(this.#pieces).copy(this.#buffer);
      this.#pieces = [];
    }
    if (this.#buffer) this.#buffer.set(piece, at);
    else this.#pieces.push(piece);
    return true;
  }

  whole(): Buffer {
    return this.#buffer?.subarray(0, this.#length) ?? Buffer.concat(this.#pieces);
  }
}
