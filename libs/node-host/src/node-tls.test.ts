// TLS of the machine, against Node's own client.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import type { Connection, Listening, TlsMaterial, TlsServer } from '@milepost/core';
import { Authority, type Certificate } from '../../../test/support/certificates.ts';
import { nodeNetwork } from './node-network.ts';

const authority = new Authority();
const other = new Authority('Another Authority');
const server = authority.issue({ subject: [['CN', 'server']], names: ['127.0.0.1'] });
const truck = authority.issue({
  subject: [
    ['C', 'SE'],
    ['O', 'Depot, Göteborg'],
    ['CN', 'truck-1'],
  ],
});
const stranger = other.issue({ subject: [['CN', 'truck-1']] });

const materialOf = (identity: Certificate): TlsMaterial => ({ identity, authorities: authority.cert });

interface Given {
  clientCertificate?: TlsServer['clientCertificate'];
  versions?: TlsServer['versions'];
}

let listening: Listening;
let material: TlsMaterial;
let accepted: Connection[];
let failures: string[];

/** A server that sends back what it receives. */
async function listen({ clientCertificate = 'none', versions = { least: 'TLSv1.2', most: 'TLSv1.3' } }: Given = {}) {
  material = materialOf(server);
  accepted = [];
  failures = [];
  const tls: TlsServer = {
    material: () => material,
    clientCertificate,
    versions,
    failed: (reason) => failures.push(reason),
  };
  listening = await nodeNetwork.listen(
    { host: '127.0.0.1', port: 0 },
    (connection) => {
      accepted.push(connection);
      return {
        bytes: (chunk) => connection.send([Buffer.from(chunk)]),
        drained: () => {},
        closed: () => {},
      };
    },
    tls,
  );
}

afterEach(() => listening.close());

async function client(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ ...listening.address, ca: authority.cert, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

async function echo(socket: TLSSocket, text: string): Promise<string> {
  socket.write(text);
  const [chunk] = await once(socket, 'data');
  return String(chunk);
}

/** With TLS 1.3 a client learns of a refusal only when it reads. */
async function isServed(options: ConnectionOptions & { readonly localAddress?: string }): Promise<boolean> {
  const socket = connect({ ...listening.address, ca: authority.cert, ...options });
  const served = new Promise<boolean>((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
  socket.write('x');
  const result = await served;
  socket.destroy();
  return result;
}

test.each(['TLSv1.2', 'TLSv1.3'] as const)('bytes travel both ways, over %s', async (version) => {
  await listen();
  const socket = await client({ minVersion: version, maxVersion: version });
  expect(socket.getProtocol()).toBe(version);
  expect(await echo(socket, 'hello')).toBe('hello');
  expect(accepted[0]?.certified).toBeUndefined();
  expect(accepted[0]?.remote).toEqual({ host: '127.0.0.1', port: socket.localPort });
  socket.destroy();
});

test('a megabyte is sent and taken while the client does not read, and the rest when it does', async () => {
  await listen();
  const socket = await client();
  socket.pause();
  await echoed(socket);
  const [connection] = accepted;
  let taken = false;
  const size = 16 * 1024 * 1024;
  expect(connection?.send([Buffer.alloc(size)], () => (taken = true))).toBe(false);
  expect(connection?.pendingBytes).toBeGreaterThan(0);
  let received = 0;
  const all = new Promise<void>((resolve) => {
    socket.on('data', ({ length }: Buffer) => {
      received += length;
      if (received === size) resolve();
    });
  });
  socket.resume();
  await all;
  expect(taken).toBe(true);
  socket.destroy();
});

/** The server has seen the client. */
async function echoed(socket: TLSSocket): Promise<void> {
  while (accepted.length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(socket.destroyed).toBe(false);
}

test('a version that is not enabled is refused', async () => {
  await listen({ versions: { least: 'TLSv1.3', most: 'TLSv1.3' } });
  expect(await isServed({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).toBe(false);
  expect(await isServed({})).toBe(true);
});

test('a required certificate names the client as RFC 2253 writes it', async () => {
  await listen({ clientCertificate: 'required' });
  const socket = await client(truck);
  expect(await echo(socket, 'hello')).toBe('hello');
  expect(accepted[0]?.certified).toBe('CN=truck-1,O=Depot\\, Göteborg,C=SE');
  socket.destroy();
});

test.each([
  ['none', { nobody: true, stranger: true }],
  ['requested', { nobody: true, stranger: false }],
  ['required', { nobody: false, stranger: false }],
] as const)('with a client certificate that is %s', async (clientCertificate, expected) => {
  await listen({ clientCertificate });
  expect(await isServed({})).toBe(expected.nobody);
  expect(await isServed(stranger)).toBe(expected.stranger);
  expect(await isServed(truck)).toBe(true);
  expect(failures.length > 0).toBe(!expected.stranger);
});

test('another certificate counts from the next connection on, and one that cannot be used does not count', async () => {
  await listen();
  const commonName = async () => {
    const socket = await client();
    const { CN } = socket.getPeerCertificate().subject;
    socket.destroy();
    return CN;
  };
  expect(await commonName()).toBe('server');
  const old = await client();
  material = materialOf(authority.issue({ subject: [['CN', 'renewed']], names: ['127.0.0.1'] }));
  expect(await commonName()).toBe('renewed');
  expect(await echo(old, 'still here')).toBe('still here');
  old.destroy();
  material = { identity: { cert: 'nonsense', key: server.key } };
  expect(await commonName()).toBe('renewed');
  expect(failures.at(-1)).toMatch(/^the new certificate cannot be used, and the last one remains: /);
});

test('a PKCS#12 file is a key and its certificates', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'milepost-pkcs12-'));
  const [pem, pfx] = [join(folder, 'server.pem'), join(folder, 'server.p12')];
  writeFileSync(pem, server.key + server.cert);
  const openssl = promisify(execFile)('openssl', [
    'pkcs12',
    '-export',
    '-in',
    pem,
    '-out',
    pfx,
    '-passout',
    'pass:diesel',
  ]);
  const problem = await openssl.then(
    () => undefined,
    ({ code, message }: NodeJS.ErrnoException) => (code === 'ENOENT' ? 'openssl is not installed' : message),
  );
  if (problem === undefined) {
    await listen();
    material = { identity: { pfx: readFileSync(pfx), passphrase: 'diesel' } };
    expect(await isServed({})).toBe(true);
    expect(failures).toEqual([]);
  } else {
    expect(problem).toBe('openssl is not installed');
    process.stderr.write(`skipped: ${problem}\n`);
    await listen();
  }
  rmSync(folder, { recursive: true });
});

test('a client that speaks no TLS ends its own connection and nothing else', async () => {
  await listen();
  const plain = connectPlain(listening.address);
  plain.on('error', () => {});
  plain.write('GET / HTTP/1.1\r\n\r\n');
  await once(plain, 'close');
  expect(accepted).toEqual([]);
  expect(await isServed({})).toBe(true);
  expect(failures).toHaveLength(1);
});

test('a certificate that cannot be used is an error when it begins to listen', async () => {
  await listen();
  const tls: TlsServer = {
    material: () => ({ identity: { cert: 'nonsense', key: server.key } }),
    clientCertificate: 'none',
    versions: { least: 'TLSv1.2', most: 'TLSv1.3' },
    failed: () => {},
  };
  const another = nodeNetwork.listen(
    { host: '127.0.0.1', port: 0 },
    () => ({ bytes() {}, drained() {}, closed() {} }),
    tls,
  );
  await expect(another).rejects.toThrow();
});

// Other systems have no second address of the loopback interface.
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux(
  'a thousand clients of one address that begin a handshake and never end it keep no other address out',
  async () => {
    await listen();
    const idle = Array.from({ length: 1_000 }, () => connectPlain(listening.address).on('error', () => {}));
    const refused = new Set<unknown>();
    for (const socket of idle) socket.resume().once('close', () => refused.add(socket));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    while (refused.size < 500) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await isServed({})).toBe(false);
    expect(await isServed({ localAddress: '127.0.0.2' })).toBe(true);
    for (const socket of idle) socket.destroy();
  },
);
