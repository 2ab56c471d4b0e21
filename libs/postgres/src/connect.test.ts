import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '@milepost/core';
import pg from 'pg';
import { connectDatabase, DatabaseUnusable, shown } from './connect.ts';
import { startEmbeddedPostgres } from './embedded.ts';
import { TestServer } from './testing/databases.ts';
import { testFolder } from './testing/folder.ts';
import { run } from './testing/program.ts';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

function recorder(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const say = (_: object, message: string): void => void lines.push(message);
  return { lines, debug: () => {}, info: say, warn: say, error: say };
}

test('the migrations create the tables of the entities', async () => {
  const database = await server.database();
  const source = await database.connect();
  const { upQueries } = await source.driver.createSchemaBuilder().log();
  expect(upQueries.map(({ query }) => query)).toEqual([]);
  expect(source.entityMetadatas.length).toBeGreaterThan(9);
  await database.close();
});

test('a migration can be undone', async () => {
  const database = await server.database();
  const source = await database.connect();
  for (const _ of source.migrations) await source.undoLastMigration();
  const left = await source.query(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`);
  expect(left).toEqual([{ tablename: 'migrations' }]);
  await source.runMigrations();
  await database.close();
});

test('programs that start together migrate the tables once', async () => {
  await server.run('CREATE DATABASE empty');
  const programs = [1, 2, 3].map(() => run('migrator.ts', server.urlOf('empty')));
  const ends = await Promise.all(programs.map(({ ended }) => ended));
  expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
  const said = ends.map(({ stderr }) => stderr).join('');
  const names = [...said.matchAll(/brought up to date: (\w+)/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(1);
  expect(new Set(names).size).toBe(names.length);
});

test('a database that is away is waited for: one line logs the wait, one its end', async () => {
  const folder = testFolder();
  const logger = recorder();
  const [port, release] = await takenPort();
  const url = `postgres://postgres:s3cret@127.0.0.1:${port}/postgres`;
  const connecting = connectDatabase(url, { logger });
  await until(() => logger.lines.length > 0);
  await release();
  const postgres = await startEmbeddedPostgres({ dataDir: `${folder.path}/pg`, port, logger: recorder() });
  // The password is the server's own; this test gives it the one that it tries.
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`ALTER ROLE postgres PASSWORD 's3cret'`);
  await client.end();
  // It may have come between the server's start and the new password.
  const first = await connecting.catch((error: Error) => error.message);
  if (typeof first === 'string') expect(first).toContain('correct the password');
  else await first.destroy();
  expect(logger.lines.filter((line) => line.includes('cannot be reached'))).toHaveLength(1);
  expect(logger.lines.join()).not.toContain('s3cret');
  const again = await connectDatabase(url, { logger });
  await again.destroy();
  await postgres.stop();
  folder.remove();
});

test('the wait can be aborted', async () => {
  const ending = new AbortController();
  const logger = recorder();
  const connecting = connectDatabase('postgres://postgres@/x?host=/nowhere', { logger, signal: ending.signal });
  await until(() => logger.lines.length > 0);
  ending.abort();
  await expect(connecting).rejects.toMatchObject({ name: 'AbortError' });
});

test('a database that refuses is reported immediately, with the cure and without the password', async () => {
  const missing = connectDatabase(server.urlOf('nowhere'), { logger: recorder() });
  await expect(missing).rejects.toThrow(DatabaseUnusable);
  await expect(missing).rejects.toThrow(/correct its name in DATABASE_URL/);
  expect(shown('postgres://me:s3cret@db:5433/milepost')).toBe('db:5433/milepost as me');
});

test('a server that is too old is refused in one line', async () => {
  const old = await oldServer();
  const url = `postgres://postgres@127.0.0.1:${old.port}/postgres`;
  const connecting = connectDatabase(url, { logger: recorder() });
  await expect(connecting).rejects.toThrow(DatabaseUnusable);
  await expect(connecting).rejects.toThrow(/is version 13\.14, expected 14 or newer/);
  await old.close();
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** A port that refuses PostgreSQL: every connection is closed. */
async function takenPort(): Promise<[number, () => Promise<void>]> {
  // Not an ephemeral port of the system: it must be free when the server comes.
  for (let port = 20_000 + (process.pid % 12_000); ; port++)
    try {
      const [listening] = await listen((socket) => socket.destroy(), port);
      return [port, () => closed(listening)];
    } catch (failure) {
      if ((failure as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw failure;
    }
}

/** The part of the protocol that reports version "13.14". */
async function oldServer(): Promise<{ port: number; close(): Promise<void> }> {
  const message = (type: string, body: Buffer): Buffer => {
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const ready = message('Z', Buffer.from('I'));
  const column = (name: string, type: number): Buffer => {
    const rest = Buffer.alloc(18);
    rest.writeInt32BE(type, 6);
    return Buffer.concat([Buffer.from(`${name}\0`), rest]);
  };
  const value = (text: string): Buffer => {
    const size = Buffer.alloc(4);
    size.writeInt32BE(text.length);
    return Buffer.concat([size, Buffer.from(text)]);
  };
  const two = Buffer.from([0, 2]);
  const answer = Buffer.concat([
    message('T', Buffer.concat([two, column('number', 23), column('text', 25)])),
    message('D', Buffer.concat([two, value('130014'), value('13.14')])),
    message('C', Buffer.from('SELECT 1\0')),
    ready,
  ]);
  const [listening, port] = await listen((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', Buffer.alloc(4)), ready]));
      socket.on('data', (chunk) => void (chunk[0] === 'Q'.charCodeAt(0) && socket.write(answer)));
    });
  });
  return { port, close: () => closed(listening) };
}

function listen(accept: (socket: Socket) => void, port = 0): Promise<[Server, number]> {
  return new Promise((resolve, reject) => {
    const listening = createServer(accept).listen(port, '127.0.0.1', () => {
      resolve([listening, (listening.address() as { port: number }).port]);
    });
    listening.once('error', reject);
  });
}

const closed = (listening: Server): Promise<void> => new Promise((resolve) => void listening.close(() => resolve()));

describe('a role that may hold few connections', () => {
  async function urlFor(limit: number): Promise<string> {
    const name = `few_${limit}`;
    await server.run(`CREATE ROLE ${name} LOGIN CONNECTION LIMIT ${limit}`);
    await server.run(`CREATE DATABASE ${name} OWNER ${name}`);
    return server.urlOf(name).replace('//postgres@', `//${name}@`);
  }

  test('gets a pool that cannot grow past them, and a line that says so', async () => {
    const logger = recorder();
    const source = await connectDatabase(await urlFor(6), { logger });
    expect((source.options as { poolSize?: number }).poolSize).toBe(4);
    expect(logger.lines.filter((line) => /has 6 connections .*raise/.test(line))).toHaveLength(1);
    await Promise.all(Array.from({ length: 20 }, () => source.query('SELECT pg_sleep(0.01)')));
    await source.destroy();
  });

  test('is refused where they are too few, in one line that names the limit and the cure', async () => {
    const refused = connectDatabase(await urlFor(4), { logger: recorder() });
    await expect(refused).rejects.toThrow(DatabaseUnusable);
    await expect(refused).rejects.toThrow(/has 4 connections.*expected at least 5.*raise/);
  });
});
