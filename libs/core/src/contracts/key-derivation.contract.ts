// The promises of every KeyDerivation.
import type { KeyDerivation } from '../ports.ts';

export interface KeyDerivationUnderTest {
  readonly keys: KeyDerivation;
  /** Lets time pass until the promise settles. */
  readonly settle: <Result>(promise: Promise<Result>) => Promise<Result>;
}

export function keyDerivationContract(name: string, make: () => KeyDerivationUnderTest): void {
  describe(`${name} is a KeyDerivation`, () => {
    test('the keys of RFC 7914, section 11, begin as they do there', async () => {
      const { keys, settle } = make();
      const short = await settle(keys.pbkdf2('passwd', Buffer.from('salt'), 1, 'sha256'));
      expect(short.toString('hex')).toBe('55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc');
      const long = await settle(keys.pbkdf2('Password', Buffer.from('NaCl'), 80_000, 'sha256'));
      expect(long.toString('hex')).toBe('4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56');
    });

    test('a key is as long as its digest', async () => {
      const { keys, settle } = make();
      expect(await settle(keys.pbkdf2('a', Buffer.from('b'), 1, 'sha512'))).toHaveLength(64);
    });
  });
}
