// Decompression on simulated time: each piece arrives a little later, as from another thread.
import { type Clock, INFLATED_PIECE_BYTES, type Inflater } from '@milepost/core';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

const PIECE_MS = 1;
/** Beyond this the real one would use as much memory: callers stop earlier. */
const MOST_BYTES = 256 * 1024 * 1024;

export class SimInflater implements Inflater {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async inflate(format: 'gzip' | 'zstd', bytes: Uint8Array, take: (piece: Uint8Array) => void): Promise<void> {
    const unpack = format === 'gzip' ? gunzipSync : zstdDecompressSync;
    const all = unpack(bytes, { maxOutputLength: MOST_BYTES });
    for (let at = 0; at < all.length; at += INFLATED_PIECE_BYTES) {
      await new Promise<void>((resolve) => this.#clock.after(PIECE_MS, resolve));
      take(all.subarray(at, at + INFLATED_PIECE_BYTES));
    }
  }
}
