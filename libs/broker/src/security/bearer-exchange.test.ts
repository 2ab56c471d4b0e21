// OAUTHBEARER at a listener: who a client is by its token, for how long, and what it receives if the token does not count.
import { type Counter, ErrorCode, type Logger } from '@milepost/core';
import { emptyImage } from '@milepost/metadata';
import { Fetch, SaslHandshake } from '@milepost/wire';
import { ManualClock } from '../../../core/src/testing/manual-clock.ts';
import { TokenIssuer, unsignedToken } from '../../../../test/support/token-issuer.ts';
import { ClientSession } from './client-session.ts';
import { Sasl } from './sasl.ts';
import { securitySettings } from './security-settings.ts';

const HOUR_MS = 3_600_000;
const SKEW_MS = 30_000;
const MECHANISM = 'OAUTHBEARER';

async function given(properties: Record<string, string> = {}, respond?: () => Promise<string>) {
  const clock = new ManualClock();
  const issuer = await TokenIssuer.withKey();
  const readText = respond ?? (() => issuer.keySet());
  const logged: string[] = [];
  const line = (_fields: object, message: string): void => void logged.push(message);
  const logger: Logger = { debug: line, info: line, warn: line, error: line };
  const counted = new Map<string, number>();
  const counter = (name: string): Counter => ({
    add: (amount = 1, labels = {}) => {
      const key = `${name.replace(/^kafka_server_socket_server_metrics_|_total$/g, '')} ${labels['mechanism']}`;
      counted.set(key, (counted.get(key) ?? 0) + amount);
    },
    remove: () => {},
  });
  const settings = securitySettings({
    dynamic: {},
    dynamicDefault: {},
    static: {
      listeners: 'SASL_PLAINTEXT://:9092',
      'sasl.enabled.mechanisms': MECHANISM,
      'sasl.oauthbearer.jwks.endpoint.url': 'https://issuer.example/keys',
      'sasl.oauthbearer.expected.issuer': issuer.issuer,
      'sasl.oauthbearer.expected.audience': issuer.audience,
      ...properties,
    },
  });
  const host = {
    clock,
    logger,
    meter: { counter, gauge: never, histogram: never, onScrape: never },
    keys: { pbkdf2: never },
    random: { uuid: () => '00000000-0000-0000-0000-000000000000', below: () => 0, chance: () => false },
  };
  const sasl = new Sasl({ host, settings, image: () => emptyImage('c'), readText, delegationTokens: undefined });
  const session = new ClientSession(sasl, '10.0.0.1');
  /** What the broker responds with to the last message, while the clock runs on. */
  const send = async (message: string) => {
    const outcome = session.authenticate(Buffer.from(message));
    let isOver = false;
    void outcome.then(() => (isOver = true));
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, 1)); // the signature is checked beside the event loop
      await clock.advance(settings.failedDelayMs);
    }
    return outcome;
  };
  const logIn = async (token: string, authorizationId = '') => {
    expect(await session.handshake(MECHANISM, 1)).toBe(ErrorCode.NONE);
    const name = authorizationId && `a=${authorizationId}`;
    return send(`n,${name},\x01auth=Bearer ${token}\x01\x01`);
  };
  return { clock, issuer, logged, counted, session, send, logIn };
}

const never = (): never => {
  throw new Error('this is not used here');
};

test('a client is the subject of its token, for as long as the token lasts', async () => {
  const { clock, issuer, session, logIn, counted } = await given();
  const outcome = await logIn(await issuer.token('t-1', clock.now()));
  expect(outcome).toMatchObject({ response: Buffer.alloc(0) });
  const { sessionLifetimeMs } = outcome as { sessionLifetimeMs: number };
  expect(sessionLifetimeMs).toBeLessThanOrEqual(HOUR_MS + SKEW_MS);
  expect(sessionLifetimeMs).toBeGreaterThan(HOUR_MS);
  expect(session.principal).toEqual({ type: 'User', name: 't-1' });
  expect(session.admits(Fetch.key)).toBe(true);
  await clock.advance(sessionLifetimeMs + 1);
  expect(session.admits(Fetch.key)).toBe(false);
  expect(session.admits(SaslHandshake.key)).toBe(true);
  expect(counted.get('successful_authentication OAUTHBEARER')).toBe(1);
});

test('a session is renewed by the next token of the same user, not of another one (KIP-368)', async () => {
  const { clock, issuer, session, logIn } = await given();
  await logIn(await issuer.token('t-1', clock.now()));
  await clock.advance(2 * HOUR_MS);
  await logIn(await issuer.token('t-1', clock.now()));
  expect(session.admits(Fetch.key)).toBe(true);
  await clock.advance(2_000);
  expect(await logIn(await issuer.token('t-2', clock.now()))).toEqual({
    refused: 'Cannot change principals during re-authentication from User.t-1: User.t-2',
  });
});

test('connections.max.reauth.ms shortens a session, and does not lengthen it', async () => {
  const short = await given({ 'connections.max.reauth.ms': '60000' });
  const token = await short.issuer.token('t-1', short.clock.now());
  expect(await short.logIn(token)).toMatchObject({ sessionLifetimeMs: 60_000 });
  const long = await given({ 'connections.max.reauth.ms': String(24 * HOUR_MS) });
  const outcome = await long.logIn(await long.issuer.token('t-1', long.clock.now()));
  expect((outcome as { sessionLifetimeMs: number }).sessionLifetimeMs).toBeLessThanOrEqual(HOUR_MS + SKEW_MS);
});

test.each([
  ['has expired', (issuer: TokenIssuer, now: number) => issuer.token('t-1', now - 2 * HOUR_MS), 'the token expired at'],
  [
    'is for another audience',
    (issuer: TokenIssuer, now: number) => issuer.token('t-1', now, { aud: 'x' }),
    'audience: expected',
  ],
  [
    'is not signed',
    async (issuer: TokenIssuer, now: number) => unsignedToken({ sub: 't-1', exp: now, aud: issuer.audience }),
    'algorithm',
  ],
  [
    'is by another key',
    async (_issuer: TokenIssuer, now: number) => (await TokenIssuer.withKey()).token('t-1', now),
    'the signature',
  ],
  ['is a megabyte', async () => 'x'.repeat(1_000_000), 'the token has 1000000 bytes'],
])('a token that %s is refused: the client receives the status, the log the reason', async (_name, make, reason) => {
  const { clock, issuer, session, logged, counted, logIn, send } = await given();
  const token = await make(issuer, clock.now());
  expect(await logIn(token)).toMatchObject({ response: Buffer.from('{"status":"invalid_token"}') });
  expect(session.isOpen).toBe(false);
  expect(counted.get('failed_authentication OAUTHBEARER')).toBe(1);
  expect(await send('\x01')).toEqual({ refused: '{"status":"invalid_token"}' });
  expect(session.admits(SaslHandshake.key)).toBe(false);
  expect(logged.at(-1)).toContain(`authentication failed: ${reason}`);
  expect(logged.join()).not.toContain(token);
  expect(counted.get('failed_authentication OAUTHBEARER')).toBe(1);
});

test('after a refused token no second one is tried on the connection', async () => {
  const { clock, issuer, logIn, send } = await given();
  await logIn('x');
  const good = await issuer.token('t-1', clock.now());
  expect(await send(`n,,\x01auth=Bearer ${good}\x01\x01`)).toEqual({ refused: '{"status":"invalid_token"}' });
});

test('an authorization id is that of the token, or refused', async () => {
  const one = await given();
  expect(await one.logIn(await one.issuer.token('t-1', one.clock.now()), 't-1')).toMatchObject({
    response: Buffer.alloc(0),
  });
  const other = await given();
  expect(await other.logIn(await other.issuer.token('t-1', other.clock.now()), 'admin')).toEqual({
    refused:
      "Authentication failed: Client requested an authorization id (admin) that is different from the token's principal name (t-1)",
  });
});

test('while the keys of the issuer cannot be read, a client is refused, and the log names the address', async () => {
  const { clock, issuer, logged, logIn } = await given({}, () => Promise.reject(new Error('connect ECONNREFUSED')));
  expect(await logIn(await issuer.token('t-1', clock.now()))).toEqual({
    refused: 'Authentication failed during authentication due to invalid credentials with SASL mechanism OAUTHBEARER',
  });
  expect(logged.join()).toContain('https://issuer.example/keys: connect ECONNREFUSED');
});

test('a message that is none is refused', async () => {
  const { session, send } = await given();
  await session.handshake(MECHANISM, 1);
  expect(await send('n,,\x01')).toEqual({
    refused: 'Authentication failed during authentication due to invalid credentials with SASL mechanism OAUTHBEARER',
  });
});

test('OAUTHBEARER without the keys of an issuer is refused at the start, in one line', async () => {
  await expect(given({ 'sasl.oauthbearer.jwks.endpoint.url': '' })).rejects.toThrow(
    /^sasl.oauthbearer.jwks.endpoint.url: expected .*; seen nothing$/,
  );
});

test('accepting tokens that are meant for others is in the log', async () => {
  const { logged } = await given({ 'sasl.oauthbearer.expected.audience': '' });
  expect(logged).toContain(
    'sasl.oauthbearer.expected.audience is not set: tokens that are meant for others are accepted too',
  );
});
