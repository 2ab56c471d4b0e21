// Compression on Node's thread pool.
import type { Deflater } from '@milepost/core';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { PIECES, runThrough } from './zlib-stream.ts';

export const nodeDeflater: Deflater = {
  deflate: (format, bytes, level, take) =>
    runThrough(format === 'gzip' ? gzip(level) : zstd(level, bytes.length), bytes, take),
};

const gzip = (level: number | undefined) => createGzip({ ...PIECES, ...(level !== undefined && { level }) });

/** The frame names the size, as one that is packed at once does: readers allocate by it. */
const zstd = (level: number | undefined, pledgedSrcSize: number) =>
  createZstdCompress({
    ...PIECES,
    pledgedSrcSize,
    ...(level !== undefined && { params: { [constants.ZSTD_c_compressionLevel]: level } }),
  });
