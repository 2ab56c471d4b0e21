// `milepost backup <target>`: backs the data folder and its database up, running or stopped, as a folder of files with
// checksums.
import { join, resolve } from 'node:path';
import { inMegabytes, takeBackup } from '@milepost/backup';
import { readSettings } from '@milepost/settings';
import { withDatabase } from './database.ts';
import { onlyArgument, say } from './words.ts';

const USAGE = 'usage: milepost backup <a folder that does not exist yet>';

export async function backup(args: readonly string[]): Promise<void> {
  const target = onlyArgument(args, USAGE);
  const settings = readSettings('appliance', process.env);
  if (settings.bootstrapServers)
    throw new Error('MILEPOST_BOOTSTRAP_SERVERS is set: that Kafka has the log, and has its own way to be backed up');
  const logFolder = join(resolve(settings.dataDir), 'log');
  const { manifest, sizeBytes } = await withDatabase(settings, { command: 'backup' }, (databaseUrl) =>
    takeBackup({ databaseUrl, logFolder, target, say: (line) => say(`backup: ${line}`) }),
  );
  const topics = new Set(manifest.partitions.map(({ topic }) => topic)).size;
  process.stdout.write(
    `${target}: ${topics} topics, ${manifest.partitions.length} partitions, ${inMegabytes(sizeBytes)}, as of ${manifest.takenAt}\n`,
  );
}
