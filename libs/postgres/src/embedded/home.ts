// The location of the database, and the user that its server runs as. PostgreSQL refuses to run as root: for root it
// runs as the user nobody, which cannot enter every folder that root can.
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { writeDurably } from './durable.ts';

export interface Home {
  /** Holds the cluster, the socket, the owner's lock. */
  readonly folder: string;
  /** Undefined: the current user. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  /** The closed folder because of which the database is elsewhere. */
  readonly closed: string | undefined;
}

const NOBODY = { uid: 65_534, gid: 65_534 };

/** Creates the folder, and records in `dataDir` where it is if it is elsewhere. */
export function homeOf(dataDir: string, elsewhere: string): Home {
  make(resolve(dataDir));
  const wanted = realpathSync(dataDir);
  if (process.getuid?.() !== 0) return { folder: wanted, user: undefined, closed: undefined };
  const cluster = join(wanted, 'cluster');
  const user = existsSync(cluster) ? ownerOf(cluster) : NOBODY;
  const closed = closedTo(user, dirname(wanted));
  const folder = closed === undefined ? wanted : openFolder(wanted, closed, elsewhere);
  chownSync(folder, user.uid, user.gid);
  return { folder, user, closed };
}

/** The folder on the way to and including `path` that the user cannot pass through; undefined: none. */
export function closedTo(user: Home['user'], path: string): string | undefined {
  if (user === undefined) return undefined;
  const parent = dirname(path);
  const before = parent === path ? undefined : closedTo(user, parent);
  if (before !== undefined) return before;
  const { mode, uid, gid } = statSync(path);
  const passage = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  return mode & passage ? undefined : path;
}

/** A database that another user than root has created stays that user's. */
function ownerOf(cluster: string): { uid: number; gid: number } {
  const { uid, gid } = statSync(cluster);
  return uid === 0 ? NOBODY : { uid, gid };
}

/** The name is new each time: a data folder that was deleted and recreated must not find its old database again. */
function openFolder(wanted: string, closed: string, elsewhere: string): string {
  if (existsSync(join(wanted, 'cluster')))
    throw new Error(`the database in ${wanted} cannot be reached by its server: chmod o+x ${closed}`);
  const note = join(wanted, 'location');
  const noted = existsSync(note) ? readFileSync(note, 'utf8').trim() : undefined;
  const folder = noted ?? join(elsewhere, `${basename(dirname(wanted))}-${randomBytes(4).toString('hex')}`);
  mkdirSync(elsewhere, { recursive: true, mode: 0o755 });
  make(folder);
  if (noted === undefined) writeDurably(note, `${folder}\n`);
  return folder;
}

function make(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(
      `the database's folder ${folder} cannot be made or changed (${code}): correct its owner, or set MILEPOST_DATA_DIR`,
    );
  }
}
