// One installer at a time: `npm start` and `npm test` may begin together in a fresh clone. The lock file appears
// atomically (link) with the pids of all processes that may still write: the launcher's and its npm's, because npm
// outlives a launcher killed with -9.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** The text of a file, or undefined if there is none. */
export function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Runs `work` under the lock at `path`, unless `done()` turns true while waiting for it. `work` receives `owners(pid)`,
 * which names a child that must also be gone before the lock may be broken.
 */
export async function underLock(path, done, work) {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  process.once('exit', () => rmSync(mine, { force: true }));
  try {
    while (!take(path, mine)) {
      if (done()) return;
      if (!breakStale(path, `${mine}.stale`)) await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    rmSync(mine, { force: true }); // the same inode as the lock: writing to one would write to the other
  }
  const release = () => {
    if (read(path)?.split(' ')[0] === String(process.pid)) rmSync(path, { force: true });
  };
  process.once('exit', release);
  try {
    if (!done()) await work((childPid) => writeFileSync(path, `${process.pid} ${childPid}`));
  } finally {
    release();
  }
}

function take(path, mine) {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

/** Moves a lock aside whose owners were all killed. Moves it back if another process was faster. */
function breakStale(path, aside) {
  const owners = read(path);
  if (owners === undefined) return true;
  if (owners.split(' ').some((pid) => isAlive(Number(pid)))) return false;
  try {
    renameSync(path, aside);
  } catch {
    return true;
  }
  if (read(aside) !== owners) take(path, aside);
  rmSync(aside, { force: true });
  return true;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
