// Packs record bytes that may be a hundred megabytes, without holding the event loop: gzip and zstd beside it (the host's
// deflater), lz4 and snappy on it, a megabyte a turn. Returns bytes of the same format as `compress`, not the same bytes.
import { ByteReader, ByteWriter, invariant } from '@milepost/core';
import { type Codec, compress } from './compression.ts';
import { STEP_BYTES, type Stepping } from './steps.ts';

export interface Packing {
  readonly codec: Codec;
  /** For gzip and zstd. */
  readonly level?: number | undefined;
}

/** So much is packed in some ten milliseconds: gzip takes 30 ms a megabyte, zstd 10. */
const QUICK_BYTES = 256 * 1024;
/** zstd at its highest levels takes a second a megabyte. */
const QUICK_BYTES_OF_HIGH_LEVELS = 16 * 1024;
const HIGH_LEVEL = 10;

/** Whether `compress` packs that much without holding the event loop for long. */
export function packsQuickly(sizeBytes: number, { codec, level = 0 }: Packing): boolean {
  switch (codec) {
    case 'none':
    case 'lz4':
    case 'snappy':
      return sizeBytes <= STEP_BYTES;
    case 'gzip':
    case 'zstd':
      return sizeBytes <= (level < HIGH_LEVEL ? QUICK_BYTES : QUICK_BYTES_OF_HIGH_LEVELS);
  }
}

/** Undefined: the packed bytes are more than the limit. The bytes must not change meanwhile. */
export async function packInSteps(
  bytes: Buffer,
  packing: Packing,
  limitBytes: number,
  stepping: Stepping,
): Promise<Buffer | undefined> {
  invariant(bytes.length > 0, 'there is nothing to compress');
  const { codec, level } = packing;
  if (codec === 'none') return bytes.length > limitBytes ? undefined : bytes;
  const output = new Output(limitBytes);
  try {
    if (codec === 'gzip' || codec === 'zstd')
      await stepping.deflater.deflate(codec, bytes, level, (piece) => output.add(piece));
    else await packSlices(codec, bytes, output, stepping);
  } catch (failure) {
    if (failure instanceof MoreThanLimit) return undefined;
    throw failure;
  }
  return output.whole();
}

/** Both formats are sequences of independent blocks: those of the slices follow one another in one frame. */
async function packSlices(
  codec: 'lz4' | 'snappy',
  bytes: Buffer,
  output: Output,
  { nextTurn }: Stepping,
): Promise<void> {
  output.add(codec === 'lz4' ? LZ4_HEADER : snappyPreamble(bytes.length));
  for (let at = 0; at < bytes.length; at += STEP_BYTES) {
    if (at > 0) await nextTurn();
    const packed = compress(codec, bytes.subarray(at, at + STEP_BYTES));
    output.add(codec === 'lz4' ? lz4Blocks(packed) : snappyElements(packed));
  }
  if (codec === 'lz4') output.add(LZ4_END);
}

/** Version 1, independent blocks of at most 4 MB, no checksums, no size; the last byte is the header's checksum. */
const LZ4_HEADER = Buffer.from('04224d18607073', 'hex');
const LZ4_FLAGS_AT = 4;
const LZ4_END = Buffer.alloc(4);

function lz4Blocks(frame: Buffer): Buffer {
  invariant(frame[LZ4_FLAGS_AT] === LZ4_HEADER[LZ4_FLAGS_AT], () => `lz4 with flags ${frame[LZ4_FLAGS_AT]}`);
  return frame.subarray(LZ4_HEADER.length, frame.length - LZ4_END.length);
}

function snappyPreamble(unpackedBytes: number): Buffer {
  const writer = new ByteWriter(8);
  writer.uvarint(unpackedBytes);
  return writer.finish();
}

function snappyElements(raw: Buffer): Buffer {
  const reader = new ByteReader(raw);
  reader.uvarint();
  return raw.subarray(reader.position);
}

class MoreThanLimit extends Error {}

class Output {
  readonly #limitBytes: number;
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** @throws MoreThanLimit */
  add(piece: Uint8Array): void {
    this.#length += piece.length;
    if (this.#length > this.#limitBytes) throw new MoreThanLimit();
    this.#pieces.push(piece);
  }

  whole(): Buffer {
    return Buffer.concat(this.#pieces, this.#length);
  }
}
