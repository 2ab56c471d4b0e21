import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Alert } from '@milepost/alerts';
import { webhook } from './webhook.ts';

const alert = { alertId: 'speeding-0-1', rule: 'speeding', truckId: 't-1' } as Alert;
let server: Server;
let received: { method: string; path: string; body: string; headers: IncomingMessage['headers'] }[];
let status: number;

beforeEach(async () => {
  received = [];
  status = 204;
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      received.push({ method, path: url, body: Buffer.concat(chunks).toString(), headers });
      response.writeHead(url === '/hook' ? status : 200, status >= 300 ? { location: '/login' } : {}).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const urlOf = (credentials = ''): string =>
  `http://${credentials}127.0.0.1:${(server.address() as AddressInfo).port}/hook`;

test('an alert is POSTed with its id as the idempotency key', async () => {
  await webhook(urlOf()).deliver(alert);
  expect(received).toMatchObject([
    { method: 'POST', path: '/hook', body: JSON.stringify(alert), headers: { 'idempotency-key': 'speeding-0-1' } },
  ]);
});

test('user and password of the address become Basic authentication', async () => {
  await webhook(urlOf('fleet:s3%20cret@')).deliver(alert);
  expect(received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('fleet:s3 cret').toString('base64')}`);
});

test.each([301, 302, 303, 307, 308])('a redirect (%d) is not followed and not counted as delivered', async (code) => {
  status = code;
  await expect(webhook(urlOf('fleet:s3cret@')).deliver(alert)).rejects.toThrow(
    `HTTP ${code} to /login: set the address that it leads to, expected 2xx`,
  );
  expect(received.map(({ path }) => path)).toEqual(['/hook']);
});

test('a receiver that is away or refuses fails without the password in the message', async () => {
  status = 500;
  await expect(webhook(urlOf('fleet:s3cret@')).deliver(alert)).rejects.toThrow(/^HTTP 500, expected 2xx$/);
  const gone = webhook('http://fleet:s3cret@127.0.0.1:1/hook').deliver(alert);
  await expect(gone).rejects.not.toThrow(/s3cret/);
});
