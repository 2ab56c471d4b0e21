// `milepost backup <target>`: backs the data folder and its database up, running or stopped, as a folder of files with
// checksums.
import { join, resolve } from 'node:path';
import { inMegabytes, takeBackup } from '@milepost/backup';
import { existsSync } from 'node:fs';
import { runningEmbeddedPostgres, startEmbeddedPostgres } from '@milepost/postgres';
import { readSettings, type Settings } from '@milepost/settings';
import { createLogger } from '@milepost/telemetry';
import { onlyArgument, say } from './words.ts';

const USAGE = 'usage: milepost backup <a folder that does not exist yet>';

export async function backup(args: readonly string[]): Promise<void> {
  const target = onlyArgument(args, USAGE);
  const settings = readSettings('appliance', process.env);
  if (settings.bootstrapServers)
    throw new Error('MILEPOST_BOOTSTRAP_SERVERS is set: that Kafka has the log, and has its own way to be backed up');
  const logFolder = join(resolve(settings.dataDir), 'log');
  const { manifest, sizeBytes } = await withDatabase(settings, (databaseUrl) =>
    takeBackup({ databaseUrl, logFolder, target, say: (line) => say(`backup: ${line}`) }),
  );
  const topics = new Set(manifest.partitions.map(({ topic }) => topic)).size;
  process.stdout.write(
    `${target}: ${topics} topics, ${manifest.partitions.length} partitions, ${inMegabytes(sizeBytes)}, as of ${manifest.takenAt}\n`,
  );
}

/**
 * The database of DATABASE_URL, that of the running appliance, or that of a stopped appliance, started for the backup.
 */
async function withDatabase<Result>(settings: Settings, work: (url: string) => Promise<Result>): Promise<Result> {
  if (settings.databaseUrl) return work(settings.databaseUrl);
  const dataDir = join(resolve(settings.dataDir), 'postgres');
  if (!existsSync(dataDir))
    throw new Error(
      `there is no database in ${dataDir}: set MILEPOST_DATA_DIR to an appliance's data folder, or DATABASE_URL`,
    );
  const running = runningEmbeddedPostgres(dataDir);
  if (running !== undefined) return work(running);
  const logger = createLogger({ name: 'backup', level: 'warn', format: settings.logFormat });
  const postgres = await startEmbeddedPostgres({ dataDir, logger });
  try {
    return await work(postgres.url);
  } finally {
    await postgres.stop();
  }
}
