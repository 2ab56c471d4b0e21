import { silentLogger } from '@milepost/core';
import { newSessionSecret, scramCredential, secretHash } from '@milepost/security';
import { pbkdf2, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { PostgresHttpAccessStore } from './postgres-http-access-store.ts';
import { PostgresMetadataStore } from './postgres-metadata-store.ts';
import { type TestDatabase, TestServer } from './testing/databases.ts';

const random = { uuid: randomUUID };
const salt = Buffer.alloc(16, 1);
const derive = (password: string, given: Uint8Array, iterations: number, digest: string) =>
  promisify(pbkdf2)(password, given, iterations, 32, digest);

let server: TestServer;
let database: TestDatabase;
let store: PostgresHttpAccessStore;
let metadata: PostgresMetadataStore;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());
beforeEach(async () => {
  database = await server.database();
  store = new PostgresHttpAccessStore(await database.connect());
  metadata = new PostgresMetadataStore(await database.connect(), { logger: silentLogger });
  await metadata.open();
});
afterEach(async () => {
  await metadata.close();
  await database.close();
});

async function setPassword(name: string, password: string): Promise<void> {
  const given = await scramCredential('SCRAM-SHA-256', password, { salt, iterations: 4_096 }, derive);
  const text = (bytes: Buffer): string => bytes.toString('base64');
  const { iterations, serverKey, storedKey } = given;
  const stored = { salt: text(salt), iterations, storedKey: text(storedKey), serverKey: text(serverKey) };
  await metadata.commit(() => [{ type: 'scram-user-set', name, credentials: { 'SCRAM-SHA-256': stored } }]);
}

async function signedIn(name: string): Promise<string> {
  const hash = secretHash(newSessionSecret(random));
  await store.addSession(hash, name);
  return hash;
}

const maria = { name: 'maria', role: 'operator', mustChangePassword: false } as const;

test('a user has the password of its SCRAM credential and a role; with one of them alone there is no user', async () => {
  await setPassword('maria', 'first password');
  expect(await store.user('maria')).toBeUndefined();
  await store.setUser(maria);
  const { credentials, ...user } = (await store.user('maria')) ?? {};
  expect(user).toEqual(maria);
  expect(credentials?.['SCRAM-SHA-256']).toMatchObject({ salt, iterations: 4_096 });
  await store.setUser({ ...maria, name: 'nobody' });
  expect(await store.user('nobody')).toBeUndefined();
});

test('a session is over when its user is removed, and begins no more when the user is made again', async () => {
  await setPassword('maria', 'first password');
  await store.setUser(maria);
  const hash = await signedIn('maria');
  expect(await store.sessions([hash, 'another'])).toEqual([{ hash, ...maria }]);
  expect(await store.removeUser('maria')).toBe(true);
  expect(await store.sessions([hash])).toEqual([]);
  await store.setUser(maria);
  expect(await store.sessions([hash])).toEqual([]);
  expect(await store.removeUser('nobody')).toBe(false);
});

test('a session is over when the password changes or its SCRAM credential is deleted', async () => {
  await setPassword('maria', 'first password');
  await store.setUser(maria);
  const first = await signedIn('maria');
  await setPassword('maria', 'second password');
  expect(await store.sessions([first])).toEqual([]);
  const second = await signedIn('maria');
  expect(await store.sessions([second])).toHaveLength(1);
  await metadata.commit(() => [{ type: 'scram-user-set', name: 'maria', credentials: {} }]);
  expect(await store.sessions([second])).toEqual([]);
});

test('another role counts at once, also for a session that has begun', async () => {
  await setPassword('maria', 'first password');
  await store.setUser(maria);
  const hash = await signedIn('maria');
  await store.setUser({ ...maria, role: 'viewer' });
  expect(await store.sessions([hash])).toMatchObject([{ role: 'viewer' }]);
});

test('a session is over after a week, after a day without use, and at its end', async () => {
  await setPassword('maria', 'first password');
  await store.setUser(maria);
  const source = await database.connect();
  const aged = async (column: 'started_at' | 'used_at', age: string): Promise<number> => {
    const hash = await signedIn('maria');
    await source.query(`UPDATE http_sessions SET ${column} = now() - $2::interval WHERE hash = $1`, [hash, age]);
    return (await store.sessions([hash])).length;
  };
  expect(await aged('started_at', '6 days')).toBe(1);
  expect(await aged('started_at', '8 days')).toBe(0);
  expect(await aged('used_at', '23 hours')).toBe(1);
  expect(await aged('used_at', '25 hours')).toBe(0);
  const hash = await signedIn('maria');
  await store.endSession(hash);
  expect(await store.sessions([hash])).toEqual([]);
});

test("a session of a provider's user needs no user here, lasts twelve hours, and ends when signing out", async () => {
  const source = await database.connect();
  await store.addProviderSession('of-maria', { name: 'maria', role: 'operator' });
  expect(await store.sessions(['of-maria'])).toEqual([
    { hash: 'of-maria', name: 'maria', role: 'operator', mustChangePassword: false, fromProvider: true },
  ]);
  expect(await store.users()).toEqual([]);
  await source.query("UPDATE http_provider_sessions SET started_at = now() - interval '13 hours'");
  expect(await store.sessions(['of-maria'])).toEqual([]);
  await store.addProviderSession('again', { name: 'maria', role: 'viewer' });
  await store.endSession('again');
  expect(await store.sessions(['again'])).toEqual([]);
});

test('a token is found by its hash until it expires or is removed; its name is taken once', async () => {
  const token = { name: 'prometheus', role: 'viewer', createdAt: new Date(), expiresAt: null } as const;
  expect(await store.addToken('hash-1', token)).toBe(true);
  expect(await store.addToken('hash-2', token)).toBe(false);
  expect(await store.token('hash-1')).toEqual(token);
  expect(await store.token('hash-2')).toBeUndefined();
  await store.addToken('hash-3', { ...token, name: 'old', expiresAt: new Date(Date.now() - 1_000) });
  expect(await store.token('hash-3')).toBeUndefined();
  expect((await store.tokens()).map(({ name }) => name)).toEqual(['old', 'prometheus']);
  expect(await store.removeToken('prometheus')).toBe(true);
  expect(await store.token('hash-1')).toBeUndefined();
});
