// Stops a server whose owner was killed: only the next owner can. Called by the new owner, before it starts its own.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@milepost/core';
import { commandOf, isAlive } from './process.ts';

/** Harder each time: fast shutdown, immediate shutdown (recovery follows), and SIGKILL for one that is frozen. */
const STEPS = [
  { signal: 'SIGINT', waitMs: 20_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
] as const;
const LOOK_MS = 20;

export async function stopOrphan(cluster: string, logger: Logger): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n', 1)[0]);
  if (isServerOf(cluster, pid)) {
    logger.info({ pid }, 'stopping the PostgreSQL that an earlier run left behind');
    await stopProcess(pid);
  }
  // Its id may be another program's by now, which would make PostgreSQL refuse to start.
  rmSync(file, { force: true });
}

export async function stopProcess(pid: number): Promise<void> {
  for (const { signal, waitMs } of STEPS) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    for (let waited = 0; waited < waitMs; waited += LOOK_MS) {
      if (!isAlive(pid)) return;
      await pause(LOOK_MS);
    }
  }
  throw new Error(`PostgreSQL (process ${pid}) does not end: stop it by hand`);
}

const isServerOf = (cluster: string, pid: number): boolean => {
  const command = commandOf(pid);
  return isAlive(pid) && command.includes('postgres') && command.includes(cluster);
};
