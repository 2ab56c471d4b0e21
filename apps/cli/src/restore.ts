// `milepost restore <source>`: restores a data folder, and its database, from a backup. Both must be empty.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { restoreBackup } from '@milepost/backup';
import { nodeDisk } from '@milepost/node-host';
import { startEmbeddedPostgres } from '@milepost/postgres';
import { readSettings } from '@milepost/settings';
import { createLogger } from '@milepost/telemetry';
import { onlyArgument, say } from './words.ts';

const USAGE = 'usage: milepost restore <the folder of a backup>';

export async function restore(args: readonly string[]): Promise<void> {
  const source = resolve(onlyArgument(args, USAGE));
  const settings = readSettings('appliance', process.env);
  const dataDir = resolve(settings.dataDir);
  const logger = createLogger({ name: 'restore', level: 'warn', format: settings.logFormat });
  const manifest = await restoreBackup({
    source,
    dataDir,
    databaseUrl: settings.databaseUrl,
    withEmbedded: async (folder, fill) => {
      const postgres = await startEmbeddedPostgres({ dataDir: folder, logger });
      try {
        await fill(postgres.url);
      } finally {
        await postgres.stop();
      }
    },
    isInUse,
    say: (line) => say(`restore: ${line}`),
  });
  process.stdout.write(`${dataDir}: restored as of ${manifest.takenAt}; npm start goes on from there\n`);
}

function isInUse(logFolder: string): boolean {
  const path = join(logFolder, '.lock');
  if (!existsSync(path)) return false;
  const lock = nodeDisk().lock(path);
  lock?.release();
  return lock === undefined;
}
