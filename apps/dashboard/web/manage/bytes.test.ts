import { bytesOf, hexOf, textOf } from './bytes.ts';

test('bytes are a text only where everybody can read them', () => {
  expect(textOf(bytesOf(Buffer.from('{"lat":57.7,\n"x":"å"}').toString('base64')))).toBe('{"lat":57.7,\n"x":"å"}');
  expect(textOf(Uint8Array.of(0xff, 0x41))).toBeUndefined();
  expect(textOf(Uint8Array.of(0x41, 0))).toBeUndefined();
  expect(textOf(Buffer.from('å').subarray(0, 1))).toBeUndefined();
  expect(textOf(Buffer.from('xå').subarray(0, 2), true)).toBe('x');
});

test('in hexadecimal digits each line has its offset', () => {
  expect(hexOf(new Uint8Array(0))).toBe('');
  const lines = hexOf(Uint8Array.from({ length: 18 }, (_, n) => 0x30 + n)).split('\n');
  expect(lines).toEqual([
    '0000  30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?',
    '0010  40 41                                            @A',
  ]);
});
