// An exclusive lock by file that the kernel releases when its holder dies, however it dies: a byte-range lock (fcntl,
// LockFileEx), which Node itself does not offer and its SQLite does. No process id is written or compared, so a
// recycled id, a container's own ids or a clock cannot fool it. Containers that share the folder see each other, and so
// does a Java Kafka, which locks the same file.
//
// POSIX releases such a lock when its process closes any descriptor of the file: no other code may ever open it.
import { DiskFailed, type DiskLock } from '@milepost/core';
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Protects the locks from the garbage collector, which would close their files. */
const held = new Set<DatabaseSync>();

const SQLITE_BUSY = 5;
const SQLITE_NOT_A_DATABASE = 26;

/** Undefined when another process, or this one, holds it. The file is created, remains empty and is never removed. */
export function lockFile(path: string): DiskLock | undefined {
  let file: DatabaseSync | undefined;
  try {
    file = new DatabaseSync(path, { timeout: 0 });
    file.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    file?.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw new DiskFailed('lock', path, codeOf(error, path), (error as Error).message);
  }
  const lock = file;
  held.add(lock);
  return {
    release() {
      if (held.delete(lock)) lock.close();
    },
  };
}

/** SQLite only reports that it could not; the folder shows the reason. */
function codeOf(error: unknown, path: string): string {
  if ((error as { errcode?: number }).errcode === SQLITE_NOT_A_DATABASE) return 'EEXIST';
  try {
    accessSync(dirname(path), constants.W_OK);
    return 'EIO';
  } catch (refusal) {
    return (refusal as NodeJS.ErrnoException).code ?? 'EIO';
  }
}
