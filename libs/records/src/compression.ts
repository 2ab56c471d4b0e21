// The five codecs of a record batch. Synchronous, so that the simulator's order of events holds. Unpacking stops at a
// limit; for any bytes it ends in a value or in MalformedMessage.
import { invariant, MalformedMessage } from '@milepost/core';
// The bundled build is a separate instance. In the shared one, which Kafka clients in the same process may use, one
// malformed batch traps inside WebAssembly and every later call fails (wasm-utils 0.2.1). For the same reason our own
// lz4.ts and snappy.ts unpack bytes of clients.
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils/bundled';
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { unpackLz4 } from './lz4.ts';
import { unpackSnappy } from './snappy.ts';
import { UnpacksToMore } from './unpacked.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Codec = (typeof CODECS)[number];

/** The codec of a batch's attributes; undefined for a code that Kafka does not define. */
export const codecOf = (code: number): Codec | undefined => CODECS[code];
export const codeOf = (codec: Codec): number => CODECS.indexOf(codec);

/** `level` applies to gzip and zstd only; absent: the codec's own default. */
export function compress(codec: Codec, bytes: Buffer, level?: number): Buffer {
  invariant(bytes.length > 0, 'there is nothing to compress'); // wasm-utils fails on empty input once its memory has grown
  switch (codec) {
    case 'none':
      return bytes;
    case 'gzip':
      return gzipSync(bytes, level === undefined ? {} : { level });
    case 'snappy':
      return snappyCompress(bytes);
    case 'lz4':
      return lz4Compress(bytes);
    case 'zstd':
      return zstdCompressSync(
        bytes,
        level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } },
      );
  }
}

/** @throws MalformedMessage for bytes that are not of the codec or are cut off; UnpacksToMore beyond the limit. */
export function decompress(codec: Codec, bytes: Buffer, limitBytes: number): Buffer {
  switch (codec) {
    case 'none':
      return bytes;
    case 'gzip':
      return inflate(gunzipSync, codec, bytes, limitBytes);
    case 'snappy':
      return unpackSnappy(bytes, limitBytes);
    case 'lz4':
      return unpackLz4(bytes, limitBytes);
    case 'zstd':
      return inflate(zstdDecompressSync, codec, bytes, limitBytes);
  }
}

type Inflate = (bytes: Buffer, options: { maxOutputLength: number }) => Buffer;

function inflate(by: Inflate, codec: Codec, bytes: Buffer, limitBytes: number): Buffer {
  try {
    return by(bytes, { maxOutputLength: limitBytes });
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw isTooLarge ? tooLarge(codec, bytes, limitBytes) : notOfCodec(codec, bytes, error);
  }
}

export const tooLarge = (codec: Codec, bytes: Buffer, limitBytes: number): UnpacksToMore =>
  new UnpacksToMore(`${codec} of ${bytes.length} bytes: more than ${limitBytes} bytes unpacked`);

/** What a failure of a decompressor says of the bytes: nothing, if there was no memory for them. */
export const notOfCodec = (codec: Codec, bytes: Buffer, error: unknown): unknown =>
  isOutOfMemory(error)
    ? error
    : new MalformedMessage(`${codec} of ${bytes.length} bytes: ${(error as Error).message}`, { cause: error });

const OUT_OF_MEMORY: readonly unknown[] = [
  'ERR_MEMORY_ALLOCATION_FAILED',
  'Z_MEM_ERROR',
  'ZSTD_error_memory_allocation',
];

/** V8 says so with a RangeError that has no code. */
const isOutOfMemory = (error: unknown): boolean => {
  const { code } = error as NodeJS.ErrnoException;
  return OUT_OF_MEMORY.includes(code) || (error instanceof RangeError && code === undefined);
};
