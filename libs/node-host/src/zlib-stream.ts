// Runs bytes through one of zlib's streams, which work on Node's thread pool, a piece at a time: the fsyncs, which use the
// same threads, have their turn in between, and a stream that is destroyed stops at the next piece.
import { INFLATED_PIECE_BYTES } from '@milepost/core';
import type { Duplex } from 'node:stream';

export const PIECES = { chunkSize: INFLATED_PIECE_BYTES };

/** Passes on the output, in order, until `take` throws. */
export const runThrough = (stream: Duplex, bytes: Uint8Array, take: (piece: Uint8Array) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.on('data', (piece: Buffer) => {
      try {
        take(piece);
      } catch (failure) {
        stream.destroy(failure as Error);
      }
    });
    stream.once('error', reject);
    stream.once('end', resolve);
    for (let at = 0; at < bytes.length; at += INFLATED_PIECE_BYTES)
      stream.write(bytes.subarray(at, at + INFLATED_PIECE_BYTES));
    stream.end();
  });
