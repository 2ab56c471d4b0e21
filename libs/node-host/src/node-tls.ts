// The machine's TLS. A server accepts a connection after its handshake, so that nobody sees bytes of a client that has not
// proved what the listener wants proved; a client is connected after it.
//
// Promises: a client that begins a handshake and never ends it costs a socket for HANDSHAKE_TIMEOUT_MS, and at most
// MOST_HANDSHAKES do at once, half of them from one address. New keys and certificates count from the next connection on; if they cannot be used, the last
// ones remain.
import type { Address, Connection, ConnectionListener, TlsClient, TlsMaterial, TlsServer } from '@milepost/core';
import { isIP, type Server, type ServerOpts, type Socket } from 'node:net';
import {
  connect,
  createServer,
  type SecureContextOptions,
  type Server as TlsTcpServer,
  type TlsOptions,
  type TLSSocket,
} from 'node:tls';
import { NodeConnection, plain } from './node-connection.ts';

const HANDSHAKE_TIMEOUT_MS = 10_000;
const MOST_HANDSHAKES = 1_000;
/** From one address: nobody alone keeps the others out. */
const MOST_HANDSHAKES_OF_ADDRESS = MOST_HANDSHAKES / 2;

type Tcp = Pick<ServerOpts, 'noDelay' | 'keepAlive' | 'keepAliveInitialDelay'>;

/** @throws if the material cannot be used. */
export function tlsServer(tcp: Tcp, tls: TlsServer, accept: (connection: Connection) => ConnectionListener): Server {
  return secureServer(tcp, tls, (socket) => {
    let listener: ConnectionListener | undefined;
    const connection = new NodeConnection(socket, () => listener, certified(socket));
    listener = accept(connection);
    socket.on('data', (chunk: Buffer) => listener?.bytes(chunk));
  });
}

/** For protocols whose library reads from a socket. It is accepted after its handshake. @throws if the material cannot be used. */
export function secureServer(tcp: Tcp, tls: TlsServer, accept: (socket: TLSSocket) => void): Server {
  const server = createServer({ ...tcp, ...secureOptions(tls) });
  watchHandshakes(server, tls);
  server.on('secureConnection', (socket) => {
    const refusal = tls.clientCertificate === 'none' ? undefined : refusalOf(socket, tls);
    if (refusal === undefined) return accept(socket);
    tls.failed(refusal, remoteOf(socket));
    socket.on('error', () => {}).destroy();
  });
  return server;
}

/** For a server that a library creates. `watchHandshakes` belongs to it. */
export const secureOptions = (tls: TlsServer): TlsOptions => ({
  ...contextOf(tls.material(), tls),
  handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  requestCert: tls.clientCertificate !== 'none',
  rejectUnauthorized: false, // one that is wrong is refused after the handshake, with its reason
});

/** Renews the certificate of a server, limits the handshakes that are under way, and reports those that fail. */
export function watchHandshakes(server: TlsTcpServer, tls: TlsServer): void {
  let material = tls.material();
  const underWay = new Handshakes();
  server.prependListener('connection', () => {
    const newest = tls.material();
    if (newest === material) return;
    material = newest;
    try {
      server.setSecureContext(contextOf(material, tls));
    } catch (failure) {
      tls.failed(`the new certificate cannot be used, and the last one remains: ${(failure as Error).message}`);
    }
  });
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '', remotePort = 0 } = socket;
    if (!underWay.add(remoteAddress, remotePort)) return void socket.destroy();
    socket.once('close', () => underWay.delete(remoteAddress, remotePort));
  });
  server.on('secureConnection', ({ remoteAddress = '', remotePort = 0 }) => underWay.delete(remoteAddress, remotePort));
  server.on('tlsClientError', ({ message }, socket) => tls.failed(message, remoteOf(socket)));
}

/** Clients whose handshake is under way, by address and port. */
class Handshakes {
  readonly #byAddress = new Map<string, Set<number>>();
  #count = 0;

  /** False: there are too many. */
  add(address: string, port: number): boolean {
    const ports = this.#byAddress.get(address) ?? new Set();
    if (this.#count >= MOST_HANDSHAKES || ports.size >= MOST_HANDSHAKES_OF_ADDRESS) return false;
    this.#byAddress.set(address, ports.add(port));
    this.#count++;
    return true;
  }

  delete(address: string, port: number): void {
    const ports = this.#byAddress.get(address);
    if (!ports?.delete(port)) return;
    this.#count--;
    if (ports.size === 0) this.#byAddress.delete(address);
  }
}

/** @throws the system's error, that of a handshake, or if the server's certificate is not trusted or names another host. */
export function tlsConnection(
  tcp: Tcp,
  { host, port }: Address,
  listener: ConnectionListener,
  tls: TlsClient,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...tcp,
      ...contextOf(tls.material(), tls),
      host,
      port,
      ...(isIP(host) === 0 && { servername: host }),
      timeout: HANDSHAKE_TIMEOUT_MS,
    });
    const slow = (): void => void socket.destroy(new Error(`no TLS handshake within ${HANDSHAKE_TIMEOUT_MS} ms`));
    socket.once('error', reject).once('timeout', slow);
    socket.once('secureConnect', () => {
      socket.off('error', reject).off('timeout', slow).setTimeout(0);
      socket.on('data', (chunk: Buffer) => listener.bytes(chunk));
      resolve(new NodeConnection(socket, () => listener));
    });
  });
}

function contextOf(
  { identity, authorities }: TlsMaterial,
  { versions }: Pick<TlsServer, 'versions'>,
): SecureContextOptions {
  return {
    ...identity,
    ...(authorities === undefined ? {} : { ca: authorities }),
    minVersion: versions.least,
    maxVersion: versions.most,
  };
}

function refusalOf(socket: TLSSocket, { clientCertificate }: TlsServer): string | undefined {
  const hasOne = socket.getPeerX509Certificate() !== undefined;
  if (!hasOne) return clientCertificate === 'required' ? 'the client has no certificate' : undefined;
  return socket.authorized ? undefined : `the client's certificate: ${String(socket.authorizationError)}`;
}

/**
 * The distinguished name of the client's certificate; undefined without one. OpenSSL writes an attribute a line, the most
 * general first; RFC 2253 the other way round, with commas.
 */
export function certified(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return undefined;
  return socket.getPeerX509Certificate()?.subject.split('\n').toReversed().join(',');
}

const remoteOf = ({ remoteAddress, remotePort = 0 }: Socket) => ({ host: plain(remoteAddress), port: remotePort });
