// The promises of every Deflater.
import { randomBytes } from 'node:crypto';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type Deflater, INFLATED_PIECE_BYTES } from '../ports.ts';

export interface DeflaterUnderTest {
  readonly deflater: Deflater;
  /** Settles like the promise, letting time pass meanwhile. */
  readonly settle: <Value>(promise: Promise<Value>) => Promise<Value>;
}

export function deflaterContract(name: string, make: () => DeflaterUnderTest): void {
  describe.each([['gzip', gunzipSync] as const, ['zstd', zstdDecompressSync] as const])(
    `${name}: %s`,
    (format, unpack) => {
      const pack = async (bytes: Uint8Array, level?: number): Promise<Uint8Array[]> => {
        const { deflater, settle } = make();
        const pieces: Uint8Array[] = [];
        await settle(deflater.deflate(format, bytes, level, (piece) => pieces.push(piece)));
        return pieces;
      };

      test('packed bytes unpack to what was given, in order, in pieces that do not change later', async () => {
        const bytes = Buffer.concat([
          randomBytes(2_700_000),
          Buffer.alloc(3 * INFLATED_PIECE_BYTES, 7),
          randomBytes(10),
        ]);
        const pieces = await pack(bytes);
        expect(unpack(Buffer.concat(pieces)).equals(bytes)).toBe(true);
        expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(INFLATED_PIECE_BYTES);
      });

      test('a few bytes and none are packed too', async () => {
        expect(unpack(Buffer.concat(await pack(Buffer.from('abc')))).toString()).toBe('abc');
        expect(unpack(Buffer.concat(await pack(Buffer.alloc(0))))).toHaveLength(0);
      });

      test('a higher level packs to less', async () => {
        const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, n) => `${(n * 7919) % 5003},`).join(''));
        const [low, high] = [Buffer.concat(await pack(bytes, 1)), Buffer.concat(await pack(bytes, 9))];
        expect(high.length).toBeLessThan(low.length);
        expect(unpack(high).equals(bytes)).toBe(true);
      });

      test('an error thrown by the receiver ends the work', async () => {
        const { deflater, settle } = make();
        let pieces = 0;
        const ended = deflater.deflate(format, randomBytes(4 * INFLATED_PIECE_BYTES), undefined, () => {
          if (++pieces === 2) throw new Error('enough');
        });
        await expect(settle(ended)).rejects.toThrow('enough');
        expect(pieces).toBe(2);
      });
    },
  );
}
