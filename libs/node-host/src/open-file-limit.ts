// The number of the log's files that may stay open in a process that needs descriptors for connections too.
import { readFileSync } from 'node:fs';
import type { Logger } from '@milepost/core';

/** For connections and whatever else is open; half of a small limit. */
const RESERVE = 1_000;

/** The requested number, or what the system's limit allows of it, which is logged. */
export function openFilesWithin(asked: number, limit: number | undefined, logger: Logger): number {
  if (limit === undefined) return asked;
  const most = Math.max(1, limit - Math.min(RESERVE, Math.floor(limit / 2)));
  if (asked <= most) return asked;
  logger.warn(
    { asked, limit, openFiles: most },
    `MILEPOST_OPEN_FILES is ${asked}, but the system lets this process open ${limit} files, connections included: ` +
      `the log keeps ${most} open; raise the limit (ulimit -n, LimitNOFILE) or lower MILEPOST_OPEN_FILES`,
  );
  return most;
}

/** The soft limit of this process; undefined if there is none, or if the system does not report it. */
export function openFileLimit(limits = '/proc/self/limits'): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync(limits, 'latin1')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined; // not Linux
  }
}
