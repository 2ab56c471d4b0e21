import { MalformedMessage } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { type Codec, compress, decompress, UnpacksToMore } from './index.ts';
import { unpackInSteps } from './unpack-in-steps.ts';

let turns = 0;
const nextTurn = (): Promise<void> => {
  turns++;
  return new Promise((resolve) => setImmediate(resolve));
};
const inSteps = (codec: Codec, bytes: Buffer, limitBytes: number): Promise<Buffer> =>
  unpackInSteps(codec, bytes, limitBytes, { ...nodeHost(), nextTurn });

const packing: Codec[] = ['gzip', 'snappy', 'lz4', 'zstd'];
const samples: [string, Buffer][] = [
  ['one byte', Buffer.of(7)],
  ['a run', Buffer.alloc(300_000, 0x41)],
  ['text', Buffer.from('{"truckId":"t-17","lat":57.7089,"lon":11.9746,"speedKmh":48}\n'.repeat(5000))],
  ['what cannot be packed', noise(200_000)],
  ['both', Buffer.concat([noise(70_000), Buffer.alloc(70_000, 1), noise(70_000)])],
];

describe.each(packing)('%s', (codec) => {
  test.each(samples)('%s survives a round trip', (_, bytes) => {
    expect(decompress(codec, compress(codec, bytes), bytes.length).equals(bytes)).toBe(true);
  });

  test.each(samples)('%s survives a round trip in steps', async (_, bytes) => {
    expect((await inSteps(codec, compress(codec, bytes), bytes.length)).equals(bytes)).toBe(true);
  });

  test('a large batch is unpacked in many steps, and a bomb stops at the limit', async () => {
    const bytes = Buffer.alloc(20_000_000, 'position ');
    const packed = compress(codec, bytes);
    turns = 0;
    expect((await inSteps(codec, packed, 30_000_000)).equals(bytes)).toBe(true);
    if (codec === 'lz4' || codec === 'snappy') expect(turns).toBeGreaterThan(3); // the other codecs have their own steps
    await expect(inSteps(codec, packed, 10_000_000)).rejects.toThrow(UnpacksToMore);
  });

  test('bytes cut off anywhere are malformed in steps too', async () => {
    const whole = compress(codec, Buffer.concat([noise(50), Buffer.alloc(300, 1), noise(50)]));
    for (let length = 0; length < whole.length; length += 7)
      await expect(inSteps(codec, whole.subarray(0, length), 1_000_000)).rejects.toThrow(MalformedMessage);
  });

  test('a bomb stops at the limit', () => {
    const bomb = compress(codec, Buffer.alloc(20_000_000));
    expect(() => decompress(codec, bomb, 1_000_000)).toThrow(MalformedMessage);
  });

  test('bytes cut off anywhere are malformed', () => {
    const whole = compress(codec, Buffer.concat([noise(50), Buffer.alloc(300, 1), noise(50)]));
    for (let length = 0; length < whole.length; length++)
      expect(() => decompress(codec, whole.subarray(0, length), 1_000_000)).toThrow(MalformedMessage);
  });
});

test.each([new RangeError('Array buffer allocation failed'), Object.assign(new Error(), { code: 'Z_MEM_ERROR' })])(
  'memory that is refused says nothing of the bytes: %s',
  async (failure) => {
    const stepping = { ...nodeHost(), nextTurn, inflater: { inflate: () => Promise.reject(failure) } };
    await expect(unpackInSteps('zstd', Buffer.of(1), 10, stepping)).rejects.toBe(failure);
  },
);

test("snappy in the Java library's framing is read, chunk after chunk", () => {
  const chunks = [Buffer.alloc(40_000, 5), Buffer.from('the end of it')];
  const framed = xerial(chunks.map((chunk) => compress('snappy', chunk)));
  expect(decompress('snappy', framed, 50_000).equals(Buffer.concat(chunks))).toBe(true);
  expect(decompress('snappy', Buffer.concat([framed, framed]), 100_000)).toHaveLength(2 * 40_013);
  expect(() => decompress('snappy', framed, 40_000)).toThrow(MalformedMessage);
  expect(() => decompress('snappy', framed.subarray(0, framed.length - 1), 50_000)).toThrow(MalformedMessage);
});

test('snappy that announces more than its bytes can hold allocates nothing', () => {
  expect(() => decompress('snappy', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x41]), 2 ** 32)).toThrow(
    /announced/,
  );
});

test('lz4 as other programs write it: content size, block and content checksums, linked and stored blocks', () => {
  const hello = Buffer.from('hello hello hello!');
  // "hello " literally, then 9 bytes from 6 back, then "lo!" (the last sequence has no match).
  const block = Buffer.concat([
    Buffer.from([0x65]),
    Buffer.from('hello '),
    Buffer.from([6, 0, 0x30]),
    Buffer.from('lo!'),
  ]);
  const size = (n: number) => Buffer.from(new Uint32Array([n]).buffer);
  const frame = (flags: number, ...parts: Buffer[]) =>
    Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, flags, 0x40]), ...parts]);
  const plain = frame(0x60, Buffer.of(0), size(block.length), block, size(0));
  expect(decompress('lz4', plain, 100).toString()).toBe(hello.toString());

  const everything = frame(0x7c, size(18), size(0), Buffer.of(0), size(block.length), block, size(9), size(0), size(9));
  expect(decompress('lz4', everything, 100).toString()).toBe(hello.toString());
  const lying = frame(0x68, size(19), size(0), Buffer.of(0), size(block.length), block, size(0));
  expect(() => decompress('lz4', lying, 100)).toThrow('18 bytes unpacked, 19 announced');

  // The second block copies 5 bytes from 18 back: out of the first block.
  const second = Buffer.concat([Buffer.from([0x11]), Buffer.from('>'), Buffer.from([19, 0, 0x10]), Buffer.from('<')]);
  const blocks = [size((0x8000_0000 | hello.length) >>> 0), hello, size(second.length), second, size(0)];
  expect(decompress('lz4', frame(0x40, Buffer.of(0), ...blocks), 100).toString()).toBe('hello hello hello!>hello<');
  expect(() => decompress('lz4', frame(0x60, Buffer.of(0), ...blocks), 100)).toThrow('copy from 19 back');
});

function xerial(chunks: Buffer[]): Buffer {
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  return Buffer.concat([
    header,
    ...chunks.flatMap((chunk) => {
      const length = Buffer.alloc(4);
      length.writeInt32BE(chunk.length);
      return [length, chunk];
    }),
  ]);
}

function noise(length: number): Buffer {
  let state = 12_345;
  return Buffer.from(Array.from({ length }, () => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) >>> 24));
}
