// Files and names that survive a power cut.
import { closeSync, fchownSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Ownership {
  readonly mode?: number;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

/** The old text or the new one, never a part. */
export function writeDurably(file: string, text: string, { mode = 0o644, user }: Ownership = {}): void {
  const beside = `${file}.tmp`;
  const handle = openSync(beside, 'w', mode);
  try {
    writeSync(handle, text);
    if (user) fchownSync(handle, user.uid, user.gid);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(beside, file);
  syncNames(dirname(file));
}

/** Syncs the names in the folder, its own in the parent, and so on: any program that created one may have stopped early. */
export function syncNames(folder: string): void {
  if (process.platform === 'win32') return; // Windows cannot, and writes names through
  try {
    const handle = openSync(folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') return; // not ours to read, so not created by us
    if (!REFUSALS.has(code)) throw error;
  }
  if (dirname(folder) !== folder) syncNames(dirname(folder));
}

/** Errors of network and user-space file systems that cannot sync a folder. */
const REFUSALS = new Set(['EINVAL', 'ENOTSUP', 'ENOSYS']);
