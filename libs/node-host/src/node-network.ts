// The machine's TCP: no Nagle, large reads into one buffer, many small sends as one write. A peer that resets, vanishes
// or stalls ends its own connection and nothing else.
import { type Address, AddressInUse, type ConnectionListener, type Listening, type Network } from '@milepost/core';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { NodeConnection, readsInto, withLargeReads } from './node-connection.ts';
import { tlsConnection, tlsServer } from './node-tls.ts';

/** After this much silence the system begins to probe whether the peer is alive. */
const KEEP_ALIVE_MS = 60_000;
const TCP = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };

export const nodeNetwork: Network = {
  async listen(address, accept, tls): Promise<Listening> {
    const server = tls ? tlsServer(TCP, tls, accept) : tcpServer(accept);
    await listening(server, address);
    // If a connection cannot be accepted (no descriptors left), the server continues.
    server.on('error', () => {});
    const { address: host, port } = server.address() as { address: string; port: number };
    // The port is free immediately; Node's own callback would wait for the last connection.
    return { address: { host, port }, close: async () => void server.close() };
  },

  async connect(address, listener, tls) {
    if (tls) return tlsConnection(TCP, address, listener, tls);
    const socket = connect({ ...TCP, ...address, ...readsInto((chunk) => listener.bytes(chunk)) });
    await connected(socket);
    return new NodeConnection(socket, () => listener);
  },
};

const tcpServer = (accept: Parameters<Network['listen']>[1]): Server =>
  createServer({ ...TCP, pauseOnConnect: true }, (accepted) => {
    let listener: ConnectionListener | undefined;
    const socket = withLargeReads(accepted, (chunk) => listener?.bytes(chunk));
    const connection = new NodeConnection(socket, () => listener);
    listener = accept(connection);
  });

function listening(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void =>
      reject(error.code === 'EADDRINUSE' ? new AddressInUse(address) : error);
    server.once('error', fail);
    server.listen({ host: address.host, port: address.port }, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve();
    });
  });
}
