// Delegation tokens (KIP-48, KIP-373), on the wire: who may create, renew, expire and see them, and what a login by one is good for.
import { randomBytes } from 'node:crypto';
import { ErrorCode } from '@milepost/core';
import { logInByScram, SaslRefused, type ScramMechanism } from '@milepost/security';
import { SimHost } from '@milepost/simulator';
import {
  AlterUserScramCredentials,
  CreateAcls,
  CreateDelegationToken,
  CreateTopics,
  DescribeDelegationToken,
  ExpireDelegationToken,
  Metadata,
  RenewDelegationToken,
  type RequestInput,
  SaslAuthenticate,
  SaslHandshake,
} from '@milepost/wire';
import { MOST_TOKENS_OF_AN_OWNER } from './admin/token-decisions.ts';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

const ADMIN = { username: 'admin', password: 'correct horse' };
const LIFETIME_MS = 600_000;
const EXPIRY_MS = 60_000;
const CHECK_MS = 3_600_000;
const PROPERTIES = {
  listeners: 'SASL_PLAINTEXT://:9092',
  'sasl.enabled.mechanisms': 'SCRAM-SHA-256,SCRAM-SHA-512',
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'delegation.token.secret.key': 'of all brokers',
  'delegation.token.max.lifetime.ms': String(LIFETIME_MS),
  'delegation.token.expiry.time.ms': String(EXPIRY_MS),
  'delegation.token.expiry.check.interval.ms': String(CHECK_MS),
};

let host: SimHost;
let it: BrokerUnderTest;
let alice: RawClient;
let bob: RawClient;
let admin: RawClient;

const settle = <Result>(work: Promise<Result>): Promise<Result> => host.clock.settle(work);
const pass = (ms: number): Promise<void> => settle(new Promise((resolve) => host.clock.after(ms, resolve)));

interface Login {
  readonly username: string;
  readonly password: string;
  readonly isToken?: boolean;
  readonly mechanism?: ScramMechanism;
}

async function logIn({ mechanism = 'SCRAM-SHA-256', ...login }: Login): Promise<RawClient & { lifetimeMs?: number }> {
  const client: RawClient & { lifetimeMs?: number } = await settle(it.client());
  await settle(client.ask(SaslHandshake, 1, { mechanism }));
  const derive = (...input: Parameters<SimHost['keys']['pbkdf2']>) => host.keys.pbkdf2(...input);
  await settle(
    logInByScram({ ...login, mechanism }, randomBytes(8).toString('hex'), derive, async (authBytes) => {
      const answer = await client.ask(SaslAuthenticate, 2, { authBytes });
      if (answer.errorCode !== 0) throw new SaslRefused(answer.errorMessage ?? '', 'for the client');
      client.lifetimeMs = Number(answer.sessionLifetimeMs);
      return answer.authBytes;
    }),
  );
  return client;
}

async function createUser(name: string): Promise<RawClient> {
  const salt = Buffer.from('salt');
  const saltedPassword = await settle(host.keys.pbkdf2('diesel', salt, 4_096, 'sha256'));
  const upsertions = [{ name, mechanism: 1, iterations: 4_096, salt, saltedPassword }];
  await settle(admin.ask(AlterUserScramCredentials, 0, { deletions: [], upsertions }));
  return logIn({ username: name, password: 'diesel' });
}

async function start(properties: Record<string, string> = {}): Promise<void> {
  host = new SimHost();
  it = new BrokerUnderTest(host, '/data', { ...PROPERTIES, ...properties });
  await settle(it.start({ admin: ADMIN }));
  admin = await logIn(ADMIN);
  alice = await createUser('alice');
  bob = await createUser('bob');
}

const users = (...names: string[]) => names.map((principalName) => ({ principalType: 'User', principalName }));

type Wish = Partial<RequestInput<typeof CreateDelegationToken>>;
const create = (by: RawClient, wish: Wish = {}) =>
  settle(by.ask(CreateDelegationToken, 3, { renewers: [], maxLifetimeMs: -1n, ...wish }));
const renew = (by: RawClient, hmac: Buffer, renewPeriodMs = -1n) =>
  settle(by.ask(RenewDelegationToken, 2, { hmac, renewPeriodMs }));
const expire = (by: RawClient, hmac: Buffer, expiryTimePeriodMs = -1n) =>
  settle(by.ask(ExpireDelegationToken, 2, { hmac, expiryTimePeriodMs }));
const describeAll = async (by: RawClient, owners: ReturnType<typeof users> | null = null) =>
  settle(by.ask(DescribeDelegationToken, 3, { owners }));
const idsFor = async (by: RawClient): Promise<string[]> => (await describeAll(by)).tokens.map(({ tokenId }) => tokenId);
const byToken = ({ tokenId, hmac }: { tokenId: string; hmac: Buffer }): Login => ({
  username: tokenId,
  password: hmac.toString('base64'),
  isToken: true,
});

/** The time of the request, which was a moment ago, and this long. */
const soon = (ms: number): unknown => ({
  asymmetricMatch: (timeMs: number) => {
    const agoMs = host.clock.now() + ms - timeMs;
    return agoMs >= 0 && agoMs < 1_000;
  },
});

const allow = (principal: string, resourceType: number, resourceName: string, operation: number) =>
  settle(
    admin.ask(CreateAcls, 3, {
      creations: [
        { resourceType, resourceName, resourcePatternType: 3, principal, host: '*', operation, permissionType: 3 },
      ],
    }),
  );
const [TOKEN, USER, TOPIC] = [6, 7, 2];
const [DESCRIBE, CREATE_TOKENS, DESCRIBE_TOKENS] = [8, 13, 14];

describe('with a secret key', () => {
  beforeEach(() => start());
  afterEach(() => settle(it.stop()));

  test('a client logs in by its token, as its owner, until the token expires', async () => {
    await settle(admin.ask(CreateTopics, 7, { topics: [{ name: 'trucks', numPartitions: 1, replicationFactor: 1 }] }));
    await allow('User:alice', TOPIC, 'trucks', DESCRIBE);
    const token = await create(alice);
    expect(token).toMatchObject({
      errorCode: 0,
      principalName: 'alice',
      tokenRequesterPrincipalName: 'alice',
      expiryTimestampMs: token.issueTimestampMs + EXPIRY_MS,
      maxTimestampMs: token.issueTimestampMs + LIFETIME_MS,
    });
    for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
      const client = await logIn({ ...byToken(token), mechanism });
      const { topics } = await settle(client.ask(Metadata, 12, { topics: null }));
      expect(topics.map(({ name }) => name)).toEqual(['trucks']);
      expect(client.lifetimeMs).toBeGreaterThan(0);
      expect(client.lifetimeMs).toBeLessThanOrEqual(EXPIRY_MS);
    }
    const client = await logIn(byToken(token));
    await pass(EXPIRY_MS + 1_000);
    await expect(settle(client.ask(Metadata, 12, { topics: null }))).rejects.toThrow('the connection was closed');
    await expect(logIn(byToken(token))).rejects.toThrow('Authentication failed during authentication');
  });

  test.each([
    ['with another secret', (token: Login): Login => ({ ...token, password: Buffer.alloc(64).toString('base64') })],
    ['of an unknown id', (token: Login): Login => ({ ...token, username: 'no-such-id' })],
    ['as the name of a user', (token: Login): Login => ({ ...token, isToken: false })],
    ['and a user as a token', (): Login => ({ ...ADMIN, isToken: true })],
  ])('a token %s is refused like a wrong password', async (_what, changed) => {
    const token = await create(alice);
    await expect(logIn(changed(byToken(token)))).rejects.toThrow(
      'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256',
    );
  });

  test('its owner and its renewers renew it, up to its maximum lifetime', async () => {
    const { hmac, maxTimestampMs } = await create(alice, { renewers: users('bob') });
    await pass(EXPIRY_MS / 2);
    expect(await renew(bob, hmac)).toMatchObject({ errorCode: 0, expiryTimestampMs: soon(EXPIRY_MS) });
    expect(await renew(alice, hmac, 5_000n)).toMatchObject({
      errorCode: 0,
      expiryTimestampMs: soon(5_000),
    });
    expect(await renew(admin, hmac)).toMatchObject({ errorCode: ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH });
    expect(await renew(alice, Buffer.alloc(64))).toMatchObject({ errorCode: ErrorCode.DELEGATION_TOKEN_NOT_FOUND });
    while (host.clock.now() + EXPIRY_MS < maxTimestampMs) {
      await renew(alice, hmac);
      await pass(EXPIRY_MS / 2);
    }
    expect(await renew(alice, hmac)).toMatchObject({ errorCode: 0, expiryTimestampMs: maxTimestampMs });
    await pass(EXPIRY_MS + 1_000);
    expect(await renew(alice, hmac)).toMatchObject({ errorCode: ErrorCode.DELEGATION_TOKEN_EXPIRED });
  });

  test('its owner and its renewers end it, at once or later', async () => {
    const { hmac, tokenId } = await create(alice, { renewers: users('bob') });
    expect(await expire(admin, hmac)).toMatchObject({ errorCode: ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH });
    expect(await expire(alice, hmac, 5_000n)).toMatchObject({
      errorCode: 0,
      expiryTimestampMs: soon(5_000),
    });
    expect(await idsFor(alice)).toEqual([tokenId]);
    expect(await expire(bob, hmac)).toMatchObject({ errorCode: 0, expiryTimestampMs: soon(0) });
    expect(await idsFor(alice)).toEqual([]);
    await expect(logIn(byToken({ hmac, tokenId }))).rejects.toThrow('Authentication failed');
    expect(await expire(alice, hmac)).toMatchObject({ errorCode: ErrorCode.DELEGATION_TOKEN_NOT_FOUND });
  });

  test('a user creates one for another user with CREATE_TOKENS on that user, and for nobody else', async () => {
    const ofBob = { ownerPrincipalType: 'User', ownerPrincipalName: 'bob' };
    expect(await create(alice, ofBob)).toMatchObject({
      errorCode: ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED,
      principalName: 'bob',
      issueTimestampMs: -1,
      hmac: Buffer.alloc(0),
    });
    await allow('User:alice', USER, 'User:bob', CREATE_TOKENS);
    const token = await create(alice, ofBob);
    expect(token).toMatchObject({ errorCode: 0, principalName: 'bob', tokenRequesterPrincipalName: 'alice' });
    expect(await idsFor(bob)).toEqual([token.tokenId]);
    expect(await idsFor(alice)).toEqual([token.tokenId]);
    expect((await renew(alice, token.hmac)).errorCode).toBe(ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH);
    expect((await create(admin, { ownerPrincipalType: 'Robot', ownerPrincipalName: 'bob' })).errorCode).toBe(
      ErrorCode.INVALID_PRINCIPAL_TYPE,
    );
    const renewers = [{ principalType: 'Group', principalName: 'drivers' }];
    expect((await create(alice, { renewers })).errorCode).toBe(ErrorCode.INVALID_PRINCIPAL_TYPE);
  });

  test('others see it with DESCRIBE on the token, or DESCRIBE_TOKENS on its owner', async () => {
    const [one, other] = [await create(alice), await create(alice)];
    expect(await idsFor(bob)).toEqual([]);
    await allow('User:bob', TOKEN, one.tokenId, DESCRIBE);
    expect(await idsFor(bob)).toEqual([one.tokenId]);
    await allow('User:bob', USER, 'User:alice', DESCRIBE_TOKENS);
    expect((await idsFor(bob)).sort()).toEqual([one.tokenId, other.tokenId].sort());
    expect((await describeAll(bob, users('bob'))).tokens).toEqual([]);
    expect((await describeAll(bob, [])).tokens).toEqual([]);
    const { tokens } = await describeAll(bob, users('alice'));
    expect(tokens.find(({ tokenId }) => tokenId === one.tokenId)?.hmac).toEqual(one.hmac);
  });

  test('who has logged in by one gets no other', async () => {
    const token = await create(alice);
    const client = await logIn(byToken(token));
    const errorCode = ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED;
    expect(await create(client)).toMatchObject({ errorCode, issueTimestampMs: -1 });
    expect(await renew(client, token.hmac)).toMatchObject({ errorCode, expiryTimestampMs: -1 });
    expect(await expire(client, token.hmac)).toMatchObject({ errorCode, expiryTimestampMs: -1 });
    expect(await describeAll(client)).toMatchObject({ errorCode, tokens: [] });
  });

  test('an expired one is not shown, and is removed at the next check', async () => {
    await create(alice);
    await pass(EXPIRY_MS + 1_000);
    expect(await idsFor(alice)).toEqual([]);
    expect(it.broker.image().delegationTokens.size).toBe(1);
    await pass(CHECK_MS);
    expect(it.broker.image().delegationTokens.size).toBe(0);
  });

  test('it survives a restart, and ends with another secret key', async () => {
    const token = await create(alice);
    await settle(it.stop());
    await settle(it.start({ admin: ADMIN }));
    await logIn(byToken(token));
    await settle(it.stop());
    await settle(it.start({ admin: ADMIN, properties: { ...PROPERTIES, 'delegation.token.secret.key': 'another' } }));
    await expect(logIn(byToken(token))).rejects.toThrow('Authentication failed');
    alice = await logIn({ username: 'alice', password: 'diesel' });
    expect(await idsFor(alice)).toEqual([]);
    expect((await renew(alice, token.hmac)).errorCode).toBe(ErrorCode.DELEGATION_TOKEN_NOT_FOUND);
  });

  test('an owner has a limited number of them', async () => {
    const [template] = [await create(alice)].map(({ tokenId }) => it.broker.image().delegationTokens.get(tokenId));
    if (!template) throw new Error('there is no token');
    const { MemoryMetadataStore } = await import('@milepost/metadata');
    const others = Array.from({ length: MOST_TOKENS_OF_AN_OWNER - 1 }, (_, at) => ({ ...template, id: `token-${at}` }));
    await settle(
      new MemoryMetadataStore(it.metadata).commit(() =>
        others.map((token) => ({ type: 'delegation-token-set', token })),
      ),
    );
    expect((await create(alice)).errorCode).toBe(ErrorCode.POLICY_VIOLATION);
    expect((await create(bob)).errorCode).toBe(0);
  });
});

test('without a secret key there are none', async () => {
  await start({ 'delegation.token.secret.key': '' });
  const errorCode = ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED;
  expect(await create(alice)).toMatchObject({ errorCode, principalName: 'alice', issueTimestampMs: 0 });
  expect(await renew(alice, Buffer.alloc(64))).toMatchObject({ errorCode });
  expect(await expire(alice, Buffer.alloc(64))).toMatchObject({ errorCode });
  expect(await describeAll(alice)).toMatchObject({ errorCode, tokens: [] });
  await settle(it.stop());
});

test('on a listener without authentication they are not allowed', async () => {
  host = new SimHost();
  it = new BrokerUnderTest(host, '/data', { 'delegation.token.secret.key': 'of all brokers' });
  await settle(it.start());
  const client = await settle(it.client());
  expect((await create(client)).errorCode).toBe(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
  await settle(it.stop());
});
