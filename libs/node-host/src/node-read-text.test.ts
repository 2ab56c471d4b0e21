import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeReadText } from './node-read-text.ts';

const LIMITS = { timeoutMs: 60_000, maxBytes: 1_000 };
const folder = mkdtempSync(join(tmpdir(), 'milepost-read-text-'));
const servers: Server[] = [];

afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

async function serving(respond: RequestListener): Promise<string> {
  const server = createServer(respond);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
}

test('a text is read by HTTP and from a file', async () => {
  writeFileSync(join(folder, 'a text'), 'from a file');
  expect(await nodeReadText(await serving((_request, response) => response.end('by HTTP')), LIMITS)).toBe('by HTTP');
  expect(await nodeReadText(pathToFileURL(join(folder, 'a text')).href, LIMITS)).toBe('from a file');
});

test('a server that never responds, or never ends its response, is given up', async () => {
  const limits = { ...LIMITS, timeoutMs: 200 };
  await expect(nodeReadText(await serving(() => {}), limits)).rejects.toThrow('no complete response within 200 ms');
  const endless = await serving((_request, response) => void response.write('{'));
  await expect(nodeReadText(endless, limits)).rejects.toThrow('no complete response within 200 ms');
});

test('a text that is too long is not read to its end', async () => {
  const long = await serving((_request, response) => response.end('x'.repeat(1_001)));
  await expect(nodeReadText(long, LIMITS)).rejects.toThrow('expected at most 1000 bytes, seen more');
});

test('a redirect is not followed', async () => {
  const away = await serving((_request, response) => response.writeHead(302, { location: 'http://127.0.0.1/' }).end());
  await expect(nodeReadText(away, LIMITS)).rejects.toThrow('expected HTTP 200, seen 302');
});

test('a refused connection and a missing file are named', async () => {
  const url = await serving(() => {});
  await new Promise((resolve) => servers.pop()?.close(resolve));
  await expect(nodeReadText(url, LIMITS)).rejects.toThrow('ECONNREFUSED');
  await expect(nodeReadText(pathToFileURL(join(folder, 'none')).href, LIMITS)).rejects.toThrow('ENOENT');
});
