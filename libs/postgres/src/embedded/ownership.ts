// The owner of a running database: a file with the program's process id and its start time (ids are reused). A file
// left by a dead program is replaced.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startOf } from './process.ts';

export interface Ownership {
  release(): void;
}

/** @throws when another live program owns it. */
export function takeOwnership(folder: string): Ownership {
  const path = join(folder, 'owner');
  const mine = `${process.pid} ${startOf(process.pid) ?? ''}\n`;
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, mine);
  try {
    while (!linked(draft, path)) dropDead(path, folder);
  } finally {
    rmSync(draft, { force: true });
  }
  return {
    release: () => {
      if (read(path) === mine) rmSync(path, { force: true });
    },
  };
}

/** The process that owns it at the moment; undefined: none. */
export function liveOwner(folder: string): number | undefined {
  const [pid = '', ...start] = (read(join(folder, 'owner')) ?? '').trim().split(' ');
  return pid !== '' && startOf(Number(pid)) === start.join(' ') ? Number(pid) : undefined;
}

/** A link appears with its content, or not at all. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function dropDead(path: string, folder: string): void {
  const content = read(path);
  if (content === undefined) return;
  const [pid = '', ...start] = content.trim().split(' ');
  if (startOf(Number(pid)) === start.join(' '))
    throw new Error(
      `the database in ${folder} is in use by process ${pid}: stop that first, or give this one another MILEPOST_DATA_DIR ` +
        'or a DATABASE_URL',
    );
  // If two replace it concurrently, only one moves it, and the moved file may be the other's new one: that is moved
  // back.
  const moved = `${path}.dead.${process.pid}`;
  try {
    renameSync(path, moved);
  } catch {
    return;
  }
  if (read(moved) !== content) linked(moved, path);
  rmSync(moved, { force: true });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
