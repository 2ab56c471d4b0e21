// Restores a data folder and a database from a backup.
//
// Promises: the backup is compared with its checksums before anything is changed. The result is complete or absent: it
// is built in `restoring/` and renamed at the end. While that folder exists no appliance starts, and a second restore
// starts over.
// Never: overwrites existing data.
import { createReadStream, existsSync, mkdirSync } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { partitionName, severalAtOnce } from '@milepost/core';
import { checkEmpty, checkMigrations, fillDatabase } from '@milepost/postgres';
import { checkpointText } from './checkpoints.ts';
import { DurableFolder, syncFolder } from './durable-folder.ts';
import { type BackedUpPartition, type Manifest, META_PROPERTIES, readManifest, rowsFile } from './format.ts';
import { Progress } from './progress.ts';
import { verifyBackup } from './verify-backup.ts';

export interface RestoreOptions {
  /** A backup's folder. */
  readonly source: string;
  /** The data folder to create: absent, or empty. */
  readonly dataDir: string;
  /** DATABASE_URL; undefined: an embedded database in the data folder. */
  readonly databaseUrl: string | undefined;
  /** Runs a new embedded database in this folder while it is being filled. */
  readonly withEmbedded: (folder: string, fill: (url: string) => Promise<void>) => Promise<void>;
  /** Whether another process uses the log in this folder. */
  readonly isInUse: (logFolder: string) => boolean;
  readonly say: (line: string) => void;
}

/** In the data folder. No appliance starts there while it exists. */
export const RESTORING = 'restoring';
const FILES_AT_ONCE = 8;
const ROWS_AT_ONCE = 1_000;

/** @throws one line with the cure; then the data folder is unchanged, or contains only `restoring/` */
export async function restoreBackup(options: RestoreOptions): Promise<Manifest> {
  const { source, dataDir, databaseUrl } = options;
  const manifest = readManifest(source);
  checkMigrations(manifest.migrations);
  await checkDataDir(options);
  if (databaseUrl !== undefined) await checkEmpty(databaseUrl);
  const progress = new Progress(options.say);
  progress.begin('checking the backup');
  const sums = await verifyBackup(source, progress);

  mkdirSync(dataDir, { recursive: true });
  const draft = new DurableFolder(join(dataDir, RESTORING), progress);
  progress.begin('restoring the log');
  await restoreLog(source, manifest, sums, draft);
  await draft.sync();
  options.say('restoring the database');
  const fill = (url: string): Promise<void> =>
    fillDatabase(url, { ...manifest, rows: (table) => rowsOf(join(source, rowsFile(table))) });
  if (databaseUrl !== undefined) await fill(databaseUrl);
  else await options.withEmbedded(join(draft.path, 'postgres'), fill);
  await moveIntoPlace(dataDir);
  return manifest;
}

/**
 * Removes the remains of an interrupted restore: the folder was empty before it, and no appliance has started there
 * since.
 */
async function checkDataDir({ dataDir, isInUse }: RestoreOptions): Promise<void> {
  if (!existsSync(dataDir)) return;
  const log = join(dataDir, 'log');
  if (existsSync(log) && isInUse(log))
    throw new Error(`${dataDir} is in use by a running appliance: stop it, and restore into another folder`);
  if (existsSync(join(dataDir, RESTORING)))
    for (const name of ['log', 'postgres', RESTORING]) await rm(join(dataDir, name), { recursive: true, force: true });
  const [first] = (await readdir(dataDir)).filter((name) => name !== 'lost+found');
  if (first !== undefined)
    throw new Error(
      `${dataDir} is not empty (${first}): move what is there away, or set MILEPOST_DATA_DIR to an empty folder`,
    );
}

async function restoreLog(
  source: string,
  { partitions }: Manifest,
  sums: ReadonlyMap<string, string>,
  draft: DurableFolder,
): Promise<void> {
  const wanted = new Set(partitions.map(({ topic, partition }) => partitionName(topic, partition)));
  const names = [...sums.keys()].filter((name) => name.startsWith('log/') && wanted.has(name.split('/')[1] ?? ''));
  await severalAtOnce(FILES_AT_ONCE, [...names, `log/${META_PROPERTIES}`], async (name) => {
    await using file = await open(join(source, name), 'r');
    await draft.copy(name, file, (await file.stat()).size);
    const seen = draft.checksums.get(name);
    if (seen !== sums.get(name))
      throw new Error(`${name} has changed while it was restored: sha256 ${seen}, expected ${sums.get(name)}`);
  });
  await writeCheckpoints(partitions, draft);
}

/** As a clean stop would have left them: everything was compared with its checksums, and is durable. */
async function writeCheckpoints(partitions: readonly BackedUpPartition[], draft: DurableFolder): Promise<void> {
  const entries = (of: (one: BackedUpPartition) => number) =>
    checkpointText(partitions.flatMap((one) => (of(one) > 0 ? [[one.topic, one.partition, of(one)] as const] : [])));
  await draft.write('log/recovery-point-offset-checkpoint', [entries(({ endOffset }) => endOffset)]);
  await draft.write('log/log-start-offset-checkpoint', [entries(({ logStartOffset }) => logStartOffset)]);
  await draft.write('log/cleaner-offset-checkpoint', [entries(({ cleanedUpTo }) => cleanedUpTo)]);
  await draft.write('log/.kafka_cleanshutdown', ['{"version":0,"brokerEpoch":-1}']);
}

async function* rowsOf(file: string): AsyncGenerator<string[]> {
  let rows: string[] = [];
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    rows.push(JSON.parse(line) as string);
    if (rows.length === ROWS_AT_ONCE) {
      yield rows;
      rows = [];
    }
  }
  if (rows.length > 0) yield rows;
}

async function moveIntoPlace(dataDir: string): Promise<void> {
  const draft = join(dataDir, RESTORING);
  for (const name of await readdir(draft)) await rename(join(draft, name), join(dataDir, name));
  await syncFolder(dataDir);
  await rm(draft, { recursive: true });
  await syncFolder(dataDir);
}
