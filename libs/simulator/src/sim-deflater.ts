// Compression on simulated time: each megabyte takes a little while, as on another thread.
import { type Clock, type Deflater, INFLATED_PIECE_BYTES } from '@milepost/core';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';

const PIECE_MS = 1;

export class SimDeflater implements Deflater {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async deflate(
    format: 'gzip' | 'zstd',
    bytes: Uint8Array,
    level: number | undefined,
    take: (piece: Uint8Array) => void,
  ): Promise<void> {
    for (let at = 0; at < bytes.length; at += INFLATED_PIECE_BYTES)
      await new Promise<void>((resolve) => this.#clock.after(PIECE_MS, resolve));
    const all = format === 'gzip' ? gzip(bytes, level) : zstd(bytes, level);
    for (let at = 0; at < all.length; at += INFLATED_PIECE_BYTES) take(all.subarray(at, at + INFLATED_PIECE_BYTES));
  }
}

const gzip = (bytes: Uint8Array, level: number | undefined): Buffer =>
  gzipSync(bytes, level === undefined ? {} : { level });

const zstd = (bytes: Uint8Array, level: number | undefined): Buffer =>
  zstdCompressSync(bytes, level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } });
