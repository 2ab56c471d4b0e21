// The follower between its start and its stop; what it notices is in the tests of the metadata store.
import { connect, createServer, type Socket } from 'node:net';
import { silentLogger } from '@milepost/core';
import pg from 'pg';
import type { DataSource } from 'typeorm';
import { ChangeFollower } from './change-follower.ts';
import { TestServer } from './testing/databases.ts';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.stop());

/** Lets nothing through to the server before it is opened. */
async function gateTo({ host, port, user, database, password }: pg.Client) {
  const came = Promise.withResolvers<Socket>();
  const gone = Promise.withResolvers<void>();
  const gate = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('close', () => gone.resolve());
    came.resolve(socket);
  });
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  const { port: own } = gate.address() as { port: number };
  return {
    extra: { host: '127.0.0.1', port: own, user, database, password, ssl: false },
    came: came.promise,
    gone: gone.promise,
    async open(): Promise<void> {
      const socket = await came.promise;
      const onward = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
      onward.on('error', () => {});
      socket.pipe(onward).pipe(socket);
    },
    close: () => gate.close(),
  };
}

test('a stop while the follower is connecting leaves no connection behind', async () => {
  const gate = await gateTo(new pg.Client({ connectionString: server.postgres.url }));
  const database = { options: { extra: gate.extra } } as unknown as DataSource;
  const follower = new ChangeFollower(database, silentLogger, { channel: 'test', seen: async () => {}, whenAway: '' });
  follower.start('SELECT 1 AS version');
  await gate.came;
  const stopped = follower.stop();
  await gate.open();
  await stopped;
  await gate.gone;
  gate.close();
});
