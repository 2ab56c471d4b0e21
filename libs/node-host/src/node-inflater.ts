// Decompression on Node's thread pool.
import type { Inflater } from '@milepost/core';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { PIECES, runThrough } from './zlib-stream.ts';

export const nodeInflater: Inflater = {
  inflate: (format, bytes, take) =>
    runThrough(format === 'gzip' ? createGunzip(PIECES) : createZstdDecompress(PIECES), bytes, take),
};
