// Upgrades that are refused, on raw sockets: Node watches a socket no longer once its client has asked for an upgrade.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { LiveTrucks } from '@milepost/live';
import { TopicAlerts } from './alerts-source.ts';
import { LiveSocket } from './live-socket.ts';

const http = createServer();
const guard = {
  admit: async () => ({ refusal: { status: 401, message: 'sign in' } }) as const,
  gone: async () => [],
};
let live: LiveSocket;
const clients: Socket[] = [];

beforeAll(async () => {
  live = new LiveSocket(new LiveTrucks(), new TopicAlerts(), Date.now, guard);
  live.attach(http);
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  live.close();
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
});

/** The client's socket, and the server's. */
async function upgrading(path: string): Promise<[Socket, Socket]> {
  const { port } = http.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
  clients.push(client);
  client.resume().write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  const [{ socket }] = (await once(http, 'upgrade')) as [IncomingMessage];
  return [client, socket];
}

const ended = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve));

test.each(['/api/live', '/elsewhere'])(
  'a client that resets its upgrade of %s ends its own connection',
  async (path) => {
    const [client, socket] = await upgrading(path);
    const closed = ended(socket);
    client.resetAndDestroy();
    await closed;
  },
);

test.each(['/api/live', '/elsewhere'])(
  'a refused upgrade of %s keeps no socket of a client that never closes',
  async (path) => {
    const [, socket] = await upgrading(path);
    await ended(socket);
  },
);
