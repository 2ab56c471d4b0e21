// Packing in steps: its results are what `compress` writes, as every reader takes it.
import { nodeHost } from '@milepost/node-host';
import { lz4Decompress, snappyDecompress } from '@platformatic/wasm-utils/bundled';
import { randomBytes } from 'node:crypto';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type Codec, decompress, packsQuickly } from './index.ts';
import { packInSteps } from './pack-in-steps.ts';

let turns = 0;
const nextTurn = (): Promise<void> => {
  turns++;
  return new Promise((resolve) => setImmediate(resolve));
};
const stepping = { ...nodeHost(), nextTurn };
const MANY = 1e9;

const samples: [string, Buffer][] = [
  ['one byte', Buffer.of(7)],
  ['a megabyte exactly', Buffer.alloc(1024 * 1024, 'position ')],
  ['bytes that cannot be packed', randomBytes(2_500_000)],
  ['a run of five megabytes', Buffer.alloc(5_000_000, 1)],
];
const ofOthers: Record<Exclude<Codec, 'none'>, (bytes: Buffer) => Uint8Array> = {
  gzip: gunzipSync,
  zstd: zstdDecompressSync,
  lz4: lz4Decompress,
  snappy: snappyDecompress,
};

describe.each<Exclude<Codec, 'none'>>(['gzip', 'snappy', 'lz4', 'zstd'])('%s', (codec) => {
  test.each(samples)('%s can be unpacked again, also by others', async (_, bytes) => {
    const packed = (await packInSteps(bytes, { codec }, MANY, stepping)) as Buffer;
    expect(decompress(codec, packed, bytes.length).equals(bytes)).toBe(true);
    expect(bytes.equals(ofOthers[codec](packed))).toBe(true);
  });

  test('a level is respected, and more than the limit is not packed to its end', async () => {
    const bytes = Buffer.concat([randomBytes(1_500_000), Buffer.alloc(4_000_000, 'position ')]);
    expect(await packInSteps(bytes, { codec, level: 1 }, 1_400_000, stepping)).toBeUndefined();
    const packed = (await packInSteps(bytes, { codec, level: 1 }, 2_000_000, stepping)) as Buffer;
    expect(decompress(codec, packed, bytes.length).equals(bytes)).toBe(true);
  });
});

test.each<Codec>(['snappy', 'lz4'])('%s is packed a megabyte a turn', async (codec) => {
  turns = 0;
  await packInSteps(Buffer.alloc(20 * 1024 * 1024, 1), { codec }, MANY, stepping);
  expect(turns).toBe(19);
});

test('bytes that are not to be packed are returned, within the limit', async () => {
  const bytes = Buffer.alloc(100);
  expect(await packInSteps(bytes, { codec: 'none' }, 100, stepping)).toBe(bytes);
  expect(await packInSteps(bytes, { codec: 'none' }, 99, stepping)).toBeUndefined();
});

test('an ordinary batch is packed at once; a slow codec and a high level allow less of it', () => {
  for (const codec of ['gzip', 'zstd', 'snappy', 'lz4'] as const) expect(packsQuickly(16_384, { codec })).toBe(true);
  expect(packsQuickly(1_000_000, { codec: 'lz4' })).toBe(true);
  expect(packsQuickly(1_000_000, { codec: 'gzip' })).toBe(false);
  expect([3, 19].map((level) => packsQuickly(100_000, { codec: 'zstd', level }))).toEqual([true, false]);
});
