// Files and names that a power cut leaves as they were written.
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

/** The names in the folder, its own in the one above, and so on: whoever made one of them may have been interrupted. */
export function syncNames(folder: string): void {
  if (process.platform === 'win32') return; // has no way to, and writes names through
  try {
    const handle = openSync(folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EACCES') return; // not ours to read, so not made by us
    if (!REFUSALS.has(code)) throw error;
  }
  if (dirname(folder) !== folder) syncNames(dirname(folder));
}

/** Of network and user-space file systems that cannot sync a folder. */
const REFUSALS = new Set(['EINVAL', 'ENOTSUP', 'ENOSYS']);
