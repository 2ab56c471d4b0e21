// How programs reach the server: a Unix socket in its folder, or TCP on 127.0.0.1 if a socket is impossible or not
// wanted.
import { chownSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { passwordOf } from './cluster.ts';
import type { Home } from './home.ts';

export interface Transport {
  /** Complete, so that PG* variables in the environment change nothing. */
  readonly url: string;
  /** Settings of the server. */
  readonly settings: readonly string[];
}

/** The length of sun_path on macOS, the shortest: 104 bytes with the zero at the end. */
const LONGEST_SOCKET_PATH = 103;
/** Ports outside the ephemeral range: Linux assigns 32768 and up to outgoing connections. */
const PORTS = { from: 20_000, below: 32_768 };
const PORT_ATTEMPTS = 100;

export async function transportOf(home: Home, port: number | undefined): Promise<Transport> {
  const folder = join(home.folder, 'run');
  const path = join(folder, '.s.PGSQL.5432');
  if (port !== undefined) return tcp(home, port);
  if (process.platform === 'win32' || Buffer.byteLength(path) > LONGEST_SOCKET_PATH) return tcp(home, await freePort());
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (home.user) chownSync(folder, home.user.uid, home.user.gid);
  return {
    url: `postgres://postgres@/postgres?host=${encodeURIComponent(folder)}&port=5432&sslmode=disable`,
    settings: ['listen_addresses=', `unix_socket_directories=${folder}`, 'unix_socket_permissions=0700'],
  };
}

const tcp = (home: Home, port: number): Transport => ({
  url: `postgres://postgres:${passwordOf(home)}@127.0.0.1:${port}/postgres?sslmode=disable`,
  settings: ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories='],
});

async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.below - PORTS.from));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port for the database between ${PORTS.from} and ${PORTS.below}: set DATABASE_URL`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
