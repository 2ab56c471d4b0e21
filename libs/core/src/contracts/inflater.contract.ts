// The promises of every Inflater.
import { randomBytes } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { INFLATED_PIECE_BYTES, type Inflater } from '../ports.ts';

export interface InflaterUnderTest {
  readonly inflater: Inflater;
  /** Settles like the promise, letting time pass meanwhile. */
  readonly settle: <Value>(promise: Promise<Value>) => Promise<Value>;
}

export function inflaterContract(name: string, make: () => InflaterUnderTest): void {
  describe.each([['gzip', gzipSync] as const, ['zstd', zstdCompressSync] as const])(`${name}: %s`, (format, pack) => {
    const unpack = async ({ inflater, settle }: InflaterUnderTest, packed: Uint8Array): Promise<Uint8Array[]> => {
      const pieces: Uint8Array[] = [];
      await settle(inflater.inflate(format, packed, (piece) => pieces.push(piece)));
      return pieces;
    };

    test('packed bytes are returned, in order, in pieces that do not change later', async () => {
      const bytes = Buffer.concat([randomBytes(700_000), Buffer.alloc(3 * INFLATED_PIECE_BYTES, 7), randomBytes(10)]);
      const pieces = await unpack(make(), pack(bytes));
      expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
      expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(INFLATED_PIECE_BYTES);
    });

    test('bytes that are not of the format, or are cut off, are refused', async () => {
      const packed = pack(randomBytes(1000));
      await expect(unpack(make(), randomBytes(100))).rejects.toThrow();
      await expect(unpack(make(), packed.subarray(0, packed.length - 5))).rejects.toThrow();
      await expect(unpack(make(), packed.subarray(0, 5))).rejects.toThrow();
    });

    test('an error thrown by the receiver ends the work', async () => {
      const { inflater, settle } = make();
      let pieces = 0;
      const bomb = pack(Buffer.alloc(40 * INFLATED_PIECE_BYTES));
      const ended = inflater.inflate(format, bomb, () => {
        if (++pieces === 3) throw new Error('enough');
      });
      await expect(settle(ended)).rejects.toThrow('enough');
      expect(pieces).toBe(3);
    });
  });
}
