// Decompression on Node's thread pool.
import { INFLATED_PIECE_BYTES, type Inflater } from '@milepost/core';
import { createGunzip, createZstdDecompress } from 'node:zlib';

const options = { chunkSize: INFLATED_PIECE_BYTES };

export const nodeInflater: Inflater = {
  inflate: (format, bytes, take) =>
    new Promise((resolve, reject) => {
      const stream = format === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
      stream.on('data', (piece: Buffer) => {
        try {
          take(piece);
        } catch (failure) {
          stream.destroy(failure as Error);
        }
      });
      stream.once('error', reject);
      stream.once('end', resolve);
      stream.end(bytes);
    }),
};
