// A port for a program that cannot choose one itself. It is only used a moment later, so it is outside the ephemeral
// range (Linux: 32768 and up), and none that was returned before.
import { createServer } from 'node:net';

const PORTS = { from: 20_000, below: 32_768 };
const MOST_TRIES = 100;
const given = new Set<number>();

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.below - PORTS.from));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port between ${PORTS.from} and ${PORTS.below}`);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
