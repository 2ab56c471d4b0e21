import { LONGEST_PASSWORD_BYTES, parsePlain } from './sasl-plain.ts';

const parse = (text: string) => parsePlain(Buffer.from(text));

test('a login has a name and a password, and may repeat the name as the one to act for', () => {
  expect(parse('\0alice\0secret')).toEqual({ username: 'alice', password: 'secret' });
  expect(parse('alice\0alice\0secret')).toEqual({ username: 'alice', password: 'secret' });
});

test.each([
  ['', 'expected 3 tokens, got 1'],
  ['\0alice', 'expected 3 tokens, got 2'],
  ['\0alice\0se\0cret', 'expected 3 tokens, got 4'],
  ['\0\0secret', 'username not specified'],
  ['\0alice\0', 'password not specified'],
  ['bob\0alice\0secret', 'different from username'],
  [`\0alice\0${'x'.repeat(LONGEST_PASSWORD_BYTES + 1)}`, 'at most 1024 bytes'],
])('%j is refused', (message, reason) => {
  expect(() => parse(message)).toThrow(reason);
});
