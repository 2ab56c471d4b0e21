// Clients of a listener with SASL, on the wire: which requests are served before authentication, how an exchange ends, how
// long a session lasts.
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { BrokerId, ErrorCode } from '@milepost/core';
import { MemoryMetadataDatabase, MemoryMetadataStore } from '@milepost/metadata';
import type { ScramMechanism } from '@milepost/security';
import { SimHost } from '@milepost/simulator';
import {
  AlterClientQuotas,
  AlterUserScramCredentials,
  ApiVersions,
  CreateTopics,
  DescribeUserScramCredentials,
  Metadata,
  SaslAuthenticate,
  SaslHandshake,
} from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

const ADMIN = { username: 'admin', password: 'correct horse' };
const FAILED_DELAY_MS = 700;
const LIFETIME_MS = 60_000;
const SHA_256 = 1;
const SHA_512 = 2;

let host: SimHost;
let it: BrokerUnderTest;

beforeEach(async () => {
  host = new SimHost();
  it = new BrokerUnderTest(host, '/data', {
    listeners: 'SASL_PLAINTEXT://:9092',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'connection.failed.authentication.delay.ms': String(FAILED_DELAY_MS),
    'connections.max.reauth.ms': String(LIFETIME_MS),
  });
  await settle(it.start({ admin: ADMIN }));
});
afterEach(() => settle(it.stop()));

const settle = <Result>(work: Promise<Result>): Promise<Result> => host.clock.settle(work);
const connect = (): Promise<RawClient> => settle(it.client());
const pass = (ms: number): Promise<void> => settle(new Promise((resolve) => host.clock.after(ms, resolve)));
const versions = { clientSoftwareName: 'x', clientSoftwareVersion: '1' };

const handshake = (client: RawClient, mechanism: string) => settle(client.ask(SaslHandshake, 1, { mechanism }));
const token = (client: RawClient, text: string) =>
  settle(client.ask(SaslAuthenticate, 2, { authBytes: Buffer.from(text) }));
const metadata = (client: RawClient) => settle(client.ask(Metadata, 12, { topics: null }));

async function plain(client: RawClient, username: string, password: string) {
  await handshake(client, 'PLAIN');
  return token(client, `\0${username}\0${password}`);
}

/** The client's side of RFC 5802, written for this test alone. */
async function scram(client: RawClient, mechanism: ScramMechanism, username: string, password: string) {
  const [digest, length] = mechanism === 'SCRAM-SHA-256' ? (['sha256', 32] as const) : (['sha512', 64] as const);
  await handshake(client, mechanism);
  const bare = `n=${username},r=client`;
  const challenge = await token(client, `n,,${bare}`);
  const first = challenge.authBytes.toString();
  const [, nonce = '', salt = '', iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(first) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), length, digest);
  const hmac = (key: Buffer, text: string) => createHmac(digest, key).update(text).digest();
  const clientKey = hmac(salted, 'Client Key');
  const unsigned = `c=biws,r=${nonce}`;
  const signature = hmac(createHash(digest).update(clientKey).digest(), `${bare},${first},${unsigned}`);
  const proof = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0));
  return { first, final: await token(client, `${unsigned},p=${Buffer.from(proof).toString('base64')}`) };
}

const failed = ErrorCode.SASL_AUTHENTICATION_FAILED;

describe('before authentication', () => {
  test('the versions are served, and the handshake names the mechanisms', async () => {
    const client = await connect();
    const { apiKeys } = await settle(client.ask(ApiVersions, 3, versions));
    expect(apiKeys.map(({ apiKey }) => apiKey)).toEqual(
      expect.arrayContaining([SaslHandshake.key, SaslAuthenticate.key]),
    );
    const { errorCode, mechanisms } = await handshake(client, 'SCRAM-SHA-512');
    expect({ errorCode, mechanisms }).toEqual({
      errorCode: 0,
      mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
    });
  });

  test.each([
    ['at once', async () => {}],
    ['after the versions', (client: RawClient) => settle(client.ask(ApiVersions, 3, versions))],
    ['in the middle of an exchange', (client: RawClient) => handshake(client, 'PLAIN')],
  ])('any other request closes the connection: %s', async (_when, before) => {
    const client = await connect();
    await before(client);
    await expect(metadata(client)).rejects.toThrow('the connection was closed');
  });

  test('a token without a handshake closes the connection', async () => {
    await expect(token(await connect(), '\0admin\0correct horse')).rejects.toThrow('the connection was closed');
  });

  test('a request that is larger than sasl.server.max.receive.size closes the connection', async () => {
    const client = await connect();
    await handshake(client, 'PLAIN');
    await expect(token(client, `\0admin\0${'x'.repeat(1_000_000)}`)).rejects.toThrow('the connection was closed');
    expect(host.lines.at(-1)).toContain('sasl.server.max.receive.size');
  });

  test('a client that sends a byte now and then instead of logging in is disconnected', async () => {
    const client = await connect();
    client.send(Buffer.from([0, 0, 1, 0]));
    for (let seconds = 0; seconds < 59; seconds++) {
      await pass(1_000);
      client.send(Buffer.from([0]));
    }
    await host.clock.settle(client.closed, 2_000);
  });

  test('a mechanism that is not enabled is refused with the enabled ones, later, and the connection is closed', async () => {
    const client = await connect();
    const asked = host.clock.monotonic();
    const { errorCode, mechanisms } = await handshake(client, 'GSSAPI');
    expect({ errorCode, count: mechanisms.length }).toEqual({
      errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
      count: 3,
    });
    expect(host.clock.monotonic() - asked).toBeGreaterThanOrEqual(FAILED_DELAY_MS);
    await settle(client.closed);
  });
});

describe.each(['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)('%s', (mechanism) => {
  test('the administrator of the settings logs in', async () => {
    const client = await connect();
    const { final } = await scram(client, mechanism, ADMIN.username, ADMIN.password);
    expect({ errorCode: final.errorCode, lifetime: final.sessionLifetimeMs }).toEqual({
      errorCode: 0,
      lifetime: LIFETIME_MS,
    });
    expect((await metadata(client)).brokers).toHaveLength(1);
  });

  test('a wrong password and an unknown user get the same response, after the delay, and the connection is closed', async () => {
    const responses = [];
    for (const [username, password] of [
      ['admin', 'wrong'],
      ['nobody', 'correct horse'],
    ] as const) {
      const client = await connect();
      const asked = host.clock.monotonic();
      const { first, final } = await scram(client, mechanism, username, password);
      expect(host.clock.monotonic() - asked).toBeGreaterThanOrEqual(FAILED_DELAY_MS);
      await settle(client.closed);
      responses.push({
        shape: first.replace(/r=[^,]+,s=[A-Za-z0-9+/]+/, ''),
        error: final.errorCode,
        message: final.errorMessage,
      });
    }
    expect(responses[0]).toEqual({
      shape: '==,i=4096',
      error: failed,
      message: `Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism}`,
    });
    expect(responses[1]).toEqual(responses[0]);
  });

  test('an unknown user has the same salt after a restart and on another broker', async () => {
    const salt = async () => {
      const { first } = await scram(await connect(), mechanism, 'nobody', 'x');
      return /s=([^,]+)/.exec(first)?.[1];
    };
    const before = await salt();
    await settle(it.stop());
    await settle(it.start({ admin: ADMIN }));
    expect(await salt()).toBe(before);
  });
});

describe('PLAIN', () => {
  test('the password of a stored user fits, again and again', async () => {
    for (let times = 0; times < 2; times++) {
      const client = await connect();
      expect((await plain(client, ADMIN.username, ADMIN.password)).errorCode).toBe(0);
      expect((await metadata(client)).brokers).toHaveLength(1);
    }
  });

  test('a wrong password, an unknown user and a message that is none are refused', async () => {
    const outcome = async (username: string, password: string) => {
      const { errorCode, errorMessage } = await plain(await connect(), username, password);
      return [errorCode, errorMessage];
    };
    const refused = [failed, 'Authentication failed: Invalid username or password'];
    expect(await outcome('admin', 'wrong')).toEqual(refused);
    expect(await outcome('nobody', 'correct horse')).toEqual(refused);
    expect(await outcome('admin', '')).toEqual([failed, 'Authentication failed: password not specified']);
    expect(await outcome('a\0b', 'c')).toEqual([failed, 'Invalid SASL/PLAIN response: expected 3 tokens, got 4']);
  });

  test('the time to a refusal does not say how much work was before it', async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, connect));
    for (const client of clients) await handshake(client, 'PLAIN');
    const asked = host.clock.monotonic();
    const durations = clients.map(async (client) => {
      await client.ask(SaslAuthenticate, 2, { authBytes: Buffer.from('\0admin\0wrong') }); // one derivation after the other
      return host.clock.monotonic() - asked;
    });
    const median = (await settle(Promise.all(durations))).toSorted((a, b) => a - b)[25];
    expect(median).toBeLessThan(FAILED_DELAY_MS + 10); // the simulated network is slow now and then
  });

  test('a remembered password does not outlive the change of the credential', async () => {
    await plain(await connect(), ADMIN.username, ADMIN.password);
    await settle(it.stop());
    await settle(it.start({ admin: { ...ADMIN, password: 'battery staple' } }));
    expect((await plain(await connect(), ADMIN.username, ADMIN.password)).errorCode).toBe(failed);
    expect((await plain(await connect(), ADMIN.username, 'battery staple')).errorCode).toBe(0);
  });
});

describe('SaslHandshake version 0', () => {
  test('tokens follow as bare frames, and a wrong one closes the connection', async () => {
    const client = await connect();
    expect((await settle(client.ask(SaslHandshake, 0, { mechanism: 'SCRAM-SHA-256' }))).errorCode).toBe(0);
    const send = (text: string) => client.send(Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]));
    send('n,,n=admin,r=client');
    expect((await settle(client.nextFrame())).toString()).toMatch(/^r=client[0-9a-f]{64},s=[^,]{24},i=4096$/);
    send('c=biws,r=client,p=wrong');
    await settle(client.closed);
  });
});

describe('a session', () => {
  async function loggedIn(): Promise<RawClient> {
    const client = await connect();
    await plain(client, ADMIN.username, ADMIN.password);
    return client;
  }

  test('ends with its lifetime: the next request closes the connection', async () => {
    const client = await loggedIn();
    await pass(LIFETIME_MS - 1_000);
    expect((await metadata(client)).brokers).toHaveLength(1);
    await pass(2_000);
    await expect(metadata(client)).rejects.toThrow('the connection was closed');
  });

  test('is renewed by the same mechanism and user', async () => {
    const client = await loggedIn();
    await pass(LIFETIME_MS + 1_000);
    expect(await plain(client, ADMIN.username, ADMIN.password)).toMatchObject({
      errorCode: 0,
      sessionLifetimeMs: LIFETIME_MS,
    });
    expect((await metadata(client)).brokers).toHaveLength(1);
  });

  test('is not renewed twice within a second', async () => {
    const client = await loggedIn();
    await plain(client, ADMIN.username, ADMIN.password);
    expect((await handshake(client, 'PLAIN')).errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE);
    expect((await metadata(client)).brokers).toHaveLength(1);
  });

  test('is not renewed by another mechanism, nor for another user', async () => {
    const other = await loggedIn();
    await handshake(other, 'SCRAM-SHA-256');
    const refused = await token(other, 'n,,n=admin,r=x');
    expect(refused.errorMessage).toContain(
      "'SCRAM-SHA-256' requested by client is not supported for re-authentication",
    );
    const admin = await loggedIn();
    await setPassword(admin, 'truck', 'diesel');
    const changed = await plain(admin, 'truck', 'diesel');
    expect(changed.errorMessage).toBe('Cannot change principals during re-authentication from User.admin: User.truck');
    await settle(admin.closed);
  });

  test('a token without a new handshake is ILLEGAL_SASL_STATE', async () => {
    const client = await loggedIn();
    expect((await token(client, 'x')).errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE);
  });
});

const setPassword = (client: RawClient, name: string, password: string, iterations = 4_096) =>
  settle(
    client.ask(AlterUserScramCredentials, 0, {
      deletions: [],
      upsertions: [
        {
          name,
          mechanism: SHA_256,
          iterations,
          salt: Buffer.from('salt'),
          saltedPassword: pbkdf2Sync(password, 'salt', iterations, 32, 'sha256'),
        },
      ],
    }),
  );

describe('users', () => {
  async function admin(): Promise<RawClient> {
    const client = await connect();
    await plain(client, ADMIN.username, ADMIN.password);
    return client;
  }
  const describeUsers = (client: RawClient, names: readonly string[] | null) =>
    settle(client.ask(DescribeUserScramCredentials, 0, { users: names && names.map((name) => ({ name })) }));

  test('one that is created logs in, and one that is deleted does not any more', async () => {
    const client = await admin();
    expect((await setPassword(client, 'truck', 'diesel', 8_192)).results).toMatchObject([
      { user: 'truck', errorCode: 0 },
    ]);
    expect((await scram(await connect(), 'SCRAM-SHA-256', 'truck', 'diesel')).final.errorCode).toBe(0);
    expect((await scram(await connect(), 'SCRAM-SHA-512', 'truck', 'diesel')).final.errorCode).toBe(failed);
    const deletions = [{ name: 'truck', mechanism: SHA_256 }];
    const deleted = await settle(client.ask(AlterUserScramCredentials, 0, { deletions, upsertions: [] }));
    expect(deleted.results).toMatchObject([{ user: 'truck', errorCode: 0 }]);
    expect((await scram(await connect(), 'SCRAM-SHA-256', 'truck', 'diesel')).final.errorCode).toBe(failed);
  });

  test('are described with their mechanisms and iterations, never their keys', async () => {
    const client = await admin();
    await setPassword(client, 'truck', 'diesel', 8_192);
    const { results } = await describeUsers(client, null);
    expect(results).toMatchObject([
      {
        user: 'admin',
        errorCode: 0,
        credentialInfos: [
          { mechanism: SHA_256, iterations: 4_096 },
          { mechanism: SHA_512, iterations: 4_096 },
        ],
      },
      { user: 'truck', errorCode: 0, credentialInfos: [{ mechanism: SHA_256, iterations: 8_192 }] },
    ]);
    expect((await describeUsers(client, ['truck', 'x', 'y', 'y'])).results).toMatchObject([
      { user: 'truck', errorCode: 0 },
      { user: 'x', errorCode: ErrorCode.RESOURCE_NOT_FOUND },
      { user: 'y', errorCode: ErrorCode.DUPLICATE_RESOURCE },
    ]);
  });

  test('what is wrong with one stops no other', async () => {
    const client = await admin();
    const one = { mechanism: SHA_256, iterations: 4_096, salt: Buffer.from('s'), saltedPassword: Buffer.alloc(32) };
    const { results } = await settle(
      client.ask(AlterUserScramCredentials, 0, {
        deletions: [
          { name: 'nobody', mechanism: SHA_256 },
          { name: 'twice', mechanism: SHA_256 },
        ],
        upsertions: [
          { ...one, name: 'good' },
          { ...one, name: 'few', iterations: 1 },
          { ...one, name: 'many', iterations: 10_000_000 },
          { ...one, name: 'unknown', mechanism: 9 },
          { ...one, name: '' },
          { ...one, name: 'again' },
          { ...one, name: 'again', mechanism: SHA_512 },
        ],
      }),
    );
    expect(Object.fromEntries(results.map(({ user, errorCode }) => [user, errorCode]))).toEqual({
      nobody: ErrorCode.RESOURCE_NOT_FOUND,
      twice: ErrorCode.RESOURCE_NOT_FOUND,
      good: 0,
      few: ErrorCode.UNACCEPTABLE_CREDENTIAL,
      many: ErrorCode.UNACCEPTABLE_CREDENTIAL,
      unknown: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
      '': ErrorCode.UNACCEPTABLE_CREDENTIAL,
      again: ErrorCode.DUPLICATE_RESOURCE,
    });
    expect([...it.broker.image().scramUsers.keys()]).toEqual(['admin', 'good']);
  });

  test('a quota of one throttles that user, and no other', async () => {
    const client = await admin();
    await setPassword(client, 'truck', 'diesel');
    const entity = [{ entityType: 'user', entityName: 'truck' }];
    const ops = [{ key: 'controller_mutation_rate', value: 1, remove: false }];
    await settle(client.ask(AlterClientQuotas, 1, { entries: [{ entity, ops }], validateOnly: false }));
    const truck = await connect();
    await plain(truck, 'truck', 'diesel');
    const create = (by: RawClient, name: string) =>
      settle(by.ask(CreateTopics, 5, { topics: [{ name, numPartitions: 100, replicationFactor: 1 }] }));
    expect((await create(client, 'of-admin')).throttleTimeMs).toBe(0);
    expect((await create(truck, 'of-truck')).throttleTimeMs).toBeGreaterThan(0);
  });

  test('nothing that is stored holds the password or the salted password', async () => {
    const client = await admin();
    await setPassword(client, 'truck', 'diesel');
    const stored = JSON.stringify([...it.broker.image().scramUsers]);
    const salted = pbkdf2Sync('diesel', 'salt', 4_096, 32, 'sha256').toString('base64');
    expect(stored).not.toContain(salted);
    expect(stored).not.toContain('diesel');
    expect(stored).not.toContain(ADMIN.password);
  });
});

test('without SASL every client is anonymous, and a handshake is ILLEGAL_SASL_STATE', async () => {
  const open = new BrokerUnderTest(new SimHost(host.clock), '/open');
  await settle(open.start());
  const client = await settle(open.client());
  expect((await metadata(client)).brokers).toHaveLength(1);
  expect((await handshake(client, 'PLAIN')).errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE);
  expect((await token(client, 'x')).errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE);
  await settle(open.stop());
});

test('a cluster whose brokers would log in to each other without an administrator is an error at the start, in one line', async () => {
  const database = new MemoryMetadataDatabase();
  const broker = { id: BrokerId(2), host: 'two', port: 9092, rack: null, incarnation: null };
  await new MemoryMetadataStore(database).commit(() => [{ type: 'broker-registered', broker }]);
  const other = new BrokerUnderTest(new SimHost(host.clock), '/other', { listeners: 'SASL_PLAINTEXT://:1' }, database);
  await expect(settle(other.start())).rejects.toThrow(
    /^inter.broker.listener.name: by SASL_PLAINTEXT brokers log in as the administrator of the settings, and the cluster has also 2: /,
  );
});

test('brokers that would log in to each other by a mechanism that is not enabled are an error at the start, in one line', async () => {
  const database = new MemoryMetadataDatabase();
  const broker = { id: BrokerId(2), host: 'two', port: 9092, rack: null, incarnation: null };
  await new MemoryMetadataStore(database).commit(() => [{ type: 'broker-registered', broker }]);
  const properties = { listeners: 'SASL_PLAINTEXT://:1', 'sasl.enabled.mechanisms': 'PLAIN' };
  const other = new BrokerUnderTest(new SimHost(host.clock), '/other', properties, database);
  await expect(settle(other.start({ admin: ADMIN }))).rejects.toThrow(
    /^sasl.mechanism.inter.broker.protocol: expected one of sasl.enabled.mechanisms \(PLAIN\), seen SCRAM-SHA-256$/,
  );
});

test('an inter.broker.listener.name that no listener has is an error at the start, in one line', async () => {
  const other = new BrokerUnderTest(new SimHost(host.clock), '/other', { 'inter.broker.listener.name': 'BROKERS' });
  await expect(settle(other.start())).rejects.toThrow(
    /^inter.broker.listener.name: expected one of listeners \(PLAINTEXT\), seen BROKERS$/,
  );
});

test('listeners with a protocol that is not supported are an error at the start, in one line', async () => {
  const other = new BrokerUnderTest(new SimHost(host.clock), '/other', { listeners: 'KERBEROS://:9092' });
  await expect(settle(other.start())).rejects.toThrow(
    /^listeners: expected a listener with the protocol PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL, .* seen KERBEROS$/,
  );
});
