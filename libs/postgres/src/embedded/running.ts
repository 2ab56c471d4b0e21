// Finds the embedded server of a running program by the files in its folder, for a program that reads from it. Changes
// nothing.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { liveOwner } from './ownership.ts';

const LINE = { port: 3, socketFolder: 4 } as const;

/** Its URL; undefined if none is running. `dataDir` is the folder that was passed to `startEmbeddedPostgres`. */
export function runningEmbeddedPostgres(dataDir: string): string | undefined {
  if (!existsSync(dataDir)) return undefined;
  const note = join(dataDir, 'location');
  const folder = existsSync(note) ? readFileSync(note, 'utf8').trim() : realpathSync(dataDir);
  const pidFile = join(folder, 'cluster', 'postmaster.pid');
  if (liveOwner(folder) === undefined || !existsSync(pidFile)) return undefined;
  const lines = readFileSync(pidFile, 'utf8').split('\n');
  const [port, socketFolder] = [lines[LINE.port]?.trim(), lines[LINE.socketFolder]?.trim()];
  if (socketFolder)
    return `postgres://postgres@/postgres?host=${encodeURIComponent(socketFolder)}&port=${port}&sslmode=disable`;
  const password = readFileSync(join(folder, 'password'), 'utf8').trim();
  return `postgres://postgres:${password}@127.0.0.1:${port}/postgres?sslmode=disable`;
}
