import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import {
  decoyCredential,
  type DeriveKey,
  isPasswordOf,
  parseClientFirst,
  type ScramCredential,
  scramCredential,
  ScramExchange,
} from './scram.ts';
import type { ScramMechanism } from './scram-functions.ts';

const derive: DeriveKey = async (password, salt, iterations, digest) =>
  pbkdf2Sync(password, salt, iterations, digest === 'sha256' ? 32 : 64, digest);
const bytes = (text: string): Buffer => Buffer.from(text);

/** The example of RFC 7677, section 3. */
const rfc7677 = {
  first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  challenge: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  final: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  end: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

async function rfcExchange(password = 'pencil'): Promise<ScramExchange> {
  const given = { salt: rfc7677.salt, iterations: 4_096 };
  const credential = await scramCredential('SCRAM-SHA-256', password, given, derive);
  return exchange(credential);
}

const exchange = (credential: ScramCredential, mechanism: ScramMechanism = 'SCRAM-SHA-256'): ScramExchange =>
  new ScramExchange(mechanism, parseClientFirst(bytes(rfc7677.first)), credential, rfc7677.serverNonce);

test('the exchange of RFC 7677 has its messages, byte for byte', async () => {
  const exchange = await rfcExchange();
  expect(exchange.challenge.toString()).toBe(rfc7677.challenge);
  expect(exchange.verify(bytes(rfc7677.final)).toString()).toBe(rfc7677.end);
});

test('a client that repeats its nonce in front of the whole one is accepted (librdkafka before 2.6.1)', async () => {
  const exchange = await rfcExchange();
  const unsigned = rfc7677.final.slice(0, rfc7677.final.indexOf(',p=')).replace('r=', 'r=rOprNGfwEbeRWgbNEkqO');
  const salted = await derive('pencil', rfc7677.salt, 4_096, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest();
  const signed = `${rfc7677.first.slice('n,,'.length)},${rfc7677.challenge},${unsigned}`;
  const signature = createHmac('sha256', storedKey).update(signed).digest();
  const proof = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0));
  expect(exchange.verify(bytes(`${unsigned},p=${Buffer.from(proof).toString('base64')}`)).toString()).toMatch(/^v=/);
});

test('another password is refused', async () => {
  const exchange = await rfcExchange('pencils');
  expect(() => exchange.verify(bytes(rfc7677.final))).toThrow('Invalid user credentials');
});

test('a name that nobody has gets a challenge like any other, always the same, and is refused like a wrong password', () => {
  const secret = bytes('a secret of the cluster');
  const decoy = decoyCredential('SCRAM-SHA-256', 'user', secret);
  expect(exchange(decoy).challenge.toString()).toMatch(/^r=.*,s=[A-Za-z0-9+/]{22}==,i=4096$/);
  expect(decoyCredential('SCRAM-SHA-256', 'user', secret)).toEqual(decoy);
  expect(decoyCredential('SCRAM-SHA-256', 'other', secret).salt).not.toEqual(decoy.salt);
  expect(() => exchange(decoy).verify(bytes(rfc7677.final))).toThrow('Invalid user credentials');
});

test.each([
  ['a nonce of another exchange', rfc7677.final.replace('rOpr', 'xOpr'), 'Invalid user credentials'],
  ['a header that is not the first one', rfc7677.final.replace('c=biws', 'c=eSws'), 'Invalid user credentials'],
  ['a proof that is cut', rfc7677.final.slice(0, -8), 'Invalid user credentials'],
  ['no proof', rfc7677.final.slice(0, rfc7677.final.indexOf(',p=')), 'Invalid SCRAM client final message'],
  ['the first message again', rfc7677.first, 'Invalid SCRAM client final message'],
  ['nothing', '', 'Invalid SCRAM client final message'],
])('a final message with %s is refused', async (_what, message, reason) => {
  const exchange = await rfcExchange();
  expect(() => exchange.verify(bytes(message))).toThrow(reason);
});

test.each([
  ['channel binding', 'p=tls-unique,,n=user,r=abc'],
  ['an extension that must be understood', 'n,,m=x,n=user,r=abc'],
  ['no nonce', 'n,,n=user'],
  ['an empty name', 'n,,n=,r=abc'],
  ['a bare = in its name', 'n,,n=us=er,r=abc'],
  ['nothing in it', ''],
])('a first message with %s is refused', (_what, message) => {
  expect(() => parseClientFirst(bytes(message))).toThrow('Invalid SCRAM client first message');
});

test('a first message that asks to act for somebody else is refused', () => {
  expect(() => parseClientFirst(bytes('n,a=root,n=user,r=abc'))).toThrow('different from username');
  expect(parseClientFirst(bytes('n,a=user,n=user,r=abc')).username).toBe('user');
});

test('a name has its commas and equals signs back, and a token says that it is one', () => {
  const first = parseClientFirst(bytes('n,,n=a=2Cb=3Dc=3D2C,r=abc,tokenauth=true'));
  expect(first).toMatchObject({ username: 'a,b=c=2C', isToken: true, nonce: 'abc', header: 'n,,' });
});

test.each(['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)(
  '%s: a password is known by its credential',
  async (mechanism) => {
    const given = { salt: bytes('salt'), iterations: 4_096 };
    const credential = await scramCredential(mechanism, 'pencil', given, derive);
    expect(await isPasswordOf(credential, mechanism, 'pencil', derive)).toBe(true);
    expect(await isPasswordOf(credential, mechanism, 'Pencil', derive)).toBe(false);
  },
);
