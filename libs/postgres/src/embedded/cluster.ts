// Creates the database cluster on the first start: whole and synced, or not at all.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Logger } from '@milepost/core';
import { syncNames, writeDurably } from './durable.ts';
import type { Home } from './home.ts';

export async function makeCluster(cluster: string, home: Home, binaries: string, logger: Logger): Promise<void> {
  if (!existsSync(cluster)) {
    logger.info({}, `making a new database in ${home.folder}`);
    const draft = `${cluster}.new`;
    rmSync(draft, { recursive: true, force: true });
    await run(join(binaries, 'initdb'), initdbOptions(draft, writePassword(home)), home);
    renameSync(draft, cluster);
  }
  syncNames(dirname(cluster)); // at each start: the start that created it may have ended before this step
}

/** The Unix socket, which only its owner can open, needs no password; TCP does. */
const initdbOptions = (cluster: string, password: string): string[] => [
  `--pgdata=${cluster}`,
  '--username=postgres',
  `--pwfile=${password}`,
  '--auth-local=trust',
  '--auth-host=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
];

const passwordFile = (home: Home): string => join(home.folder, 'password');

function writePassword(home: Home): string {
  const file = passwordFile(home);
  writeDurably(file, `${randomBytes(18).toString('hex')}\n`, { mode: 0o600, user: home.user });
  return file;
}

export const passwordOf = (home: Home): string => readFileSync(passwordFile(home), 'utf8').trim();

function run(file: string, args: readonly string[], home: Home): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      ...home.user,
      cwd: '/',
      env: serverEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the database could not be made in ${home.folder}: ${said.trim().replaceAll('\n', '; ')}`));
    });
  });
}

/** No variables of ours: PG* variables would change the server's behavior. */
export const serverEnvironment = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'] ?? '', LC_ALL: 'C' });
