import { createHmac } from 'node:crypto';
import type { Logger } from '@milepost/core';
import { ManualClock } from '../../core/src/testing/manual-clock.ts';
import { claimAt, type JwtSettings, JwtVerifier, LONGEST_TOKEN_BYTES } from './jwt-verifier.ts';
import { TokenIssuer, unsignedToken } from '../../../test/support/token-issuer.ts';

const HOUR_MS = 3_600_000;

async function given(changes: Partial<JwtSettings> = {}) {
  const clock = new ManualClock();
  const issuer = await TokenIssuer.withKey();
  const logged: string[] = [];
  const line = (fields: object, message: string): void => void logged.push(`${JSON.stringify(fields)} ${message}`);
  const logger: Logger = { debug: line, info: line, warn: line, error: line };
  /** What the address of the keys responds with. */
  const endpoint = { reads: 0, respond: (): Promise<string> => issuer.keySet() };
  const readText = (): Promise<string> => {
    endpoint.reads++;
    return endpoint.respond();
  };
  const settings: JwtSettings = {
    keys: { url: 'https://issuer.example/keys?secret=1', maxAgeMs: HOUR_MS },
    issuer: issuer.issuer,
    audience: [issuer.audience],
    clockSkewSeconds: 30,
    subjectClaim: 'sub',
    ...changes,
  };
  const verifier = new JwtVerifier({ clock, logger, readText }, settings);
  const token = (claims: object = {}, kid?: string): Promise<string> =>
    issuer.token('t-1', clock.now(), { ...claims }, kid);
  return { clock, issuer, verifier, endpoint, logged, token };
}

const isRefused = (reason: string) => ({ kind: 'refused', reason });

test('a token of the issuer says who its holder is, and until when', async () => {
  const { clock, verifier, token } = await given();
  expect(await verifier.verify(await token({ roles: ['operator'] }))).toMatchObject({
    kind: 'verified',
    subject: 't-1',
    expiresAtMs: Math.floor(clock.now() / 1_000) * 1_000 + HOUR_MS + 30_000,
    claims: { roles: ['operator'] },
  });
});

test('a token that has expired is refused, by the clock of the host, with the accepted skew', async () => {
  const { clock, verifier, token } = await given();
  const held = await token();
  clock.jump(HOUR_MS + 29_000);
  expect(await verifier.verify(held)).toMatchObject({ kind: 'verified' });
  clock.jump(2_000);
  expect(await verifier.verify(held)).toEqual(isRefused('the token expired at 2027-01-15T09:00:00.000Z'));
});

test('a token is refused before its time, without an expiry, and with one that is no number', async () => {
  const { clock, verifier, token } = await given();
  const later = Math.floor(clock.now() / 1_000) + 60;
  expect(await verifier.verify(await token({ nbf: later }))).toEqual(
    isRefused('the token is not valid before 2027-01-15T08:01:00.000Z'),
  );
  expect(await verifier.verify(await token({ exp: undefined }))).toEqual(
    isRefused('claim exp: expected a time, seen none'),
  );
  expect(await verifier.verify(await token({ exp: 'never' }))).toEqual(
    isRefused('claim exp: expected a time, seen "never"'),
  );
});

test('a token of another issuer or for another audience is refused', async () => {
  const { verifier, token } = await given();
  expect(await verifier.verify(await token({ iss: 'https://other.example' }))).toEqual(
    isRefused('issuer: expected https://issuer.example, seen "https://other.example"'),
  );
  expect(await verifier.verify(await token({ aud: ['payroll'] }))).toEqual(
    isRefused('audience: expected milepost, seen ["payroll"]'),
  );
  expect(await verifier.verify(await token({ aud: undefined }))).toEqual(
    isRefused('audience: expected milepost, seen none'),
  );
});

test('a token without a signature is refused', async () => {
  const { clock, issuer, verifier } = await given();
  const claims = { sub: 't-1', iss: issuer.issuer, aud: issuer.audience, exp: clock.now() };
  expect(await verifier.verify(unsignedToken(claims))).toMatchObject({
    kind: 'refused',
    reason: expect.stringMatching(/^algorithm: expected one of RS256.*, seen "none"$/),
  });
});

test('a token by HMAC with the public key as its secret is refused', async () => {
  const { issuer, verifier, token } = await given();
  const payload = (await token()).split('.')[1];
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: 'first' })).toString('base64url');
  const forged = createHmac('sha256', await issuer.keySet())
    .update(`${header}.${payload}`)
    .digest('base64url');
  expect(await verifier.verify(`${header}.${payload}.${forged}`)).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining('seen "HS256"'),
  });
});

test('a token by a key of somebody else is refused, also under the name of ours', async () => {
  const { clock, verifier } = await given();
  const stranger = await TokenIssuer.withKey();
  expect(await verifier.verify(await stranger.token('t-1', clock.now()))).toEqual(
    isRefused('the signature is not by the key it names'),
  );
});

test('a key that is new is found, and the key set is read once in a pause for unknown ones', async () => {
  const { clock, issuer, verifier, endpoint, token } = await given();
  await verifier.readAhead();
  await issuer.addKey('second');
  await clock.advance(10_000);
  const isVerified = { kind: 'verified' };
  expect(
    await Promise.all([token({}, 'second'), token({}, 'second')].map(async (one) => verifier.verify(await one))),
  ).toEqual([expect.objectContaining(isVerified), expect.objectContaining(isVerified)]);
  expect(endpoint.reads).toBe(2);
  await issuer.addKey('third');
  expect(await verifier.verify(await token({}, 'third'))).toEqual(
    isRefused('the issuer has no key "third" for "ES256"'),
  );
  expect(endpoint.reads).toBe(2);
  await clock.advance(10_000);
  expect(await verifier.verify(await token({}, 'third'))).toMatchObject(isVerified);
});

test('a key that has left the set is refused when the set is read again', async () => {
  const { clock, issuer, verifier, endpoint, token } = await given();
  const held = await token({ exp: Math.floor(clock.now() / 1_000) + 86_400 });
  expect(await verifier.verify(held)).toMatchObject({ kind: 'verified' });
  endpoint.respond = () => issuer.keySet(['first']);
  await clock.advance(HOUR_MS + 1);
  expect(await verifier.verify(held)).toEqual(isRefused('the issuer has no key "first" for "ES256"'));
});

test.each([
  ['is away', () => Promise.reject(new Error('connect ECONNREFUSED')), 'connect ECONNREFUSED'],
  ['responds with a page', async () => '<html>', 'seen what is not JSON'],
  ['responds with other JSON', async () => '{"keys":7}', 'seen other JSON'],
])('while the issuer %s, its last keys remain in use, and the log says so once', async (_name, respond, problem) => {
  const { clock, verifier, endpoint, logged, token } = await given();
  await verifier.verify(await token());
  endpoint.respond = respond;
  for (let hour = 0; hour < 3; hour++) {
    await clock.advance(HOUR_MS + 1);
    expect(await verifier.verify(await token())).toMatchObject({ kind: 'verified' });
  }
  expect(logged).toHaveLength(1);
  expect(logged[0]).toContain('the last good ones remain in use');
  expect(logged[0]).toContain(problem);
  expect(logged[0]).not.toContain('secret');
});

test('before the keys of the issuer were ever read, a token cannot be verified, which is no refusal', async () => {
  const { clock, issuer, verifier, endpoint, token } = await given();
  endpoint.respond = () => Promise.reject(new Error('connect ECONNREFUSED'));
  const held = await token();
  expect(await verifier.verify(held)).toMatchObject({ kind: 'unavailable' });
  expect(await verifier.verify(held)).toMatchObject({ kind: 'unavailable' });
  expect(endpoint.reads).toBe(1);
  endpoint.respond = () => issuer.keySet();
  await clock.advance(1_000);
  expect(await verifier.verify(held)).toMatchObject({ kind: 'verified' });
});

test('an issuer without keys is an issuer whose tokens are all refused', async () => {
  const { verifier, endpoint, token } = await given();
  endpoint.respond = async () => '{"keys":[]}';
  expect(await verifier.verify(await token())).toEqual(isRefused('the issuer has no key "first" for "ES256"'));
});

test('a token of a megabyte is refused unread', async () => {
  const { verifier, endpoint } = await given();
  expect(await verifier.verify('x'.repeat(1_000_000))).toEqual(
    isRefused(`the token has 1000000 bytes, expected at most ${LONGEST_TOKEN_BYTES}`),
  );
  expect(endpoint.reads).toBe(0);
});

test.each([
  '',
  '.',
  '..',
  'a.b.c',
  'a.b.c.d.e',
  `${Buffer.from('{"alg":"ES256"}').toString('base64url')}..`,
  '\0',
  '💥.💥.💥',
])('a text that is no token is refused: %j', async (text) => {
  const { verifier } = await given();
  expect(await verifier.verify(text)).toMatchObject({ kind: 'refused' });
});

test.each([[undefined], [''], [7], [['t-1']], ['line\nbreak'], ['x'.repeat(257)]])(
  'a subject that can be no principal is refused: %j',
  async (sub) => {
    const { verifier, token } = await given();
    expect(await verifier.verify(await token({ sub }))).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(/^claim sub: expected a text of 1 to 256 printable characters, seen /),
    });
  },
);

test('the subject is in the claim of the settings', async () => {
  const { verifier, token } = await given({ subjectClaim: 'device_id' });
  expect(await verifier.verify(await token({ device_id: 't-2' }))).toMatchObject({ subject: 't-2' });
  expect(await verifier.verify(await token({ device_id: undefined }))).toMatchObject({ kind: 'refused' });
});

test('no reason and no line of the log has the token in it', async () => {
  const { clock, verifier, endpoint, logged, token } = await given();
  const held = await token({ aud: 'other' });
  const reasons = [await verifier.verify(held), await verifier.verify(`${held}x`)];
  endpoint.respond = () => Promise.reject(new Error('gone'));
  await clock.advance(HOUR_MS + 1);
  reasons.push(await verifier.verify(held));
  for (const part of held.split('.')) expect(JSON.stringify([reasons, logged])).not.toContain(part);
});

test('a claim is found by its name, or by the path that its dots are', () => {
  const claims = { 'https://fleet.example/roles': 'admin', realm_access: { roles: ['viewer'] } };
  expect(claimAt(claims, 'https://fleet.example/roles')).toBe('admin');
  expect(claimAt(claims, 'realm_access.roles')).toEqual(['viewer']);
  expect(claimAt(claims, 'realm_access.none')).toBeUndefined();
  expect(claimAt(claims, '__proto__.toString')).toBeUndefined();
});
