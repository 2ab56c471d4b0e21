// Takes a backup of a data folder and its database, running or stopped.
//
// Promises: first the database, as of one moment, then the log. So the log is never older than the database: for every
// topic and committed offset in it, the log is there, up to its end at that moment (docs/decisions/0031). The copy is a
// backup only once it has its final name. The source is not changed. It copies the log of one broker, and so refuses a
// cluster of several (docs/decisions/0034).
import { existsSync, statfsSync } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { afterTheLog, DatabaseSnapshot, type PartitionOfTopic } from '@milepost/postgres';
import { clusterIdIn, textOf } from './checkpoints.ts';
import { awaitFolders, LogCopy } from './copy-log.ts';
import { DurableFolder, syncFolder } from './durable-folder.ts';
import {
  type BackedUpPartition,
  FORMAT,
  MANIFEST,
  type Manifest,
  META_PROPERTIES,
  PARTIAL,
  rowsFile,
  SUMS,
} from './format.ts';
import { inMegabytes, Progress } from './progress.ts';

export interface BackupOptions {
  readonly databaseUrl: string;
  /** The log's folder in the data folder. */
  readonly logFolder: string;
  /** A folder that does not exist yet. */
  readonly target: string;
  readonly say: (line: string) => void;
}

export interface TakenBackup {
  readonly manifest: Manifest;
  readonly sizeBytes: number;
}

/** Topics that are created or deleted during the copy are checked again at most this often. */
const MOST_LOOKS = 20;

/** @throws one line with the cure; nothing is left of it then */
export async function takeBackup(options: BackupOptions): Promise<TakenBackup> {
  const target = resolve(options.target);
  checkTarget(target, options.logFolder);
  const metaProperties = textOf(join(options.logFolder, META_PROPERTIES));
  if (metaProperties === undefined)
    throw new Error(
      `there is no log in ${options.logFolder}: set MILEPOST_DATA_DIR to the data folder of an appliance`,
    );
  const partial = target + PARTIAL;
  await rm(partial, { recursive: true, force: true });
  try {
    const progress = new Progress(options.say);
    const folder = new DurableFolder(partial, progress);
    const manifest = await copyAll(options, metaProperties, folder, progress);
    await folder.write(MANIFEST, [`${JSON.stringify(manifest, null, 1)}\n`]);
    const sums = [...folder.checksums].map(([name, sum]) => `${sum}  ${name}\n`);
    await folder.write(SUMS, sums);
    await folder.sync();
    await rename(partial, target);
    await syncFolder(dirname(target));
    return { manifest, sizeBytes: folder.sizeBytes };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw isFull(error) ? noRoom(target) : error;
  }
}

function checkTarget(target: string, logFolder: string): void {
  if (existsSync(target))
    throw new Error(`${target} exists already: name a folder that does not, such as one with today's date`);
  if (`${target}/`.startsWith(`${resolve(logFolder)}/`))
    throw new Error(`${target} lies in the log itself: name a folder elsewhere, best on another disk`);
  if (!existsSync(dirname(target)))
    throw new Error(`${dirname(target)} does not exist: make it, or name another folder`);
}

async function copyAll(
  { databaseUrl, logFolder }: BackupOptions,
  metaProperties: string,
  folder: DurableFolder,
  progress: Progress,
): Promise<Manifest> {
  const takenAt = new Date().toISOString();
  progress.begin('the database');
  const database = await copyDatabase(databaseUrl, clusterIdIn(metaProperties), folder);
  const logBytes = await sizeOf(logFolder);
  checkRoom(folder.path, logBytes);
  progress.begin('the log', logBytes);
  await folder.write(`log/${META_PROPERTIES}`, [metaProperties]);
  const { partitions, deletedTopicIds } = await copyLog(databaseUrl, logFolder, database.partitions, folder);
  const { clusterId, migrations, tables } = database;
  const { nextProducerId } = await afterTheLog(databaseUrl, []);
  const after = { deletedTopicIds: [...deletedTopicIds], nextProducerId };
  return {
    format: FORMAT,
    takenAt,
    clusterId,
    migrations: [...migrations],
    tables,
    after,
    partitions: [...partitions],
  };
}

async function copyDatabase(url: string, clusterIdOfLog: string | undefined, folder: DurableFolder) {
  const snapshot = await DatabaseSnapshot.open(url);
  try {
    const clusterId = await snapshot.clusterId();
    if (clusterId === undefined)
      throw new Error('the database knows no cluster: start the appliance once, then take a backup');
    if (clusterId !== clusterIdOfLog)
      throw new Error(
        `the log belongs to cluster ${clusterIdOfLog}, the database to cluster ${clusterId}: ` +
          'set MILEPOST_DATA_DIR and DATABASE_URL to a pair that belongs together',
      );
    checkAlone(await snapshot.brokerIds());
    const tables = await snapshot.tables();
    for (const { name } of tables) await folder.write(rowsFile(name), lines(snapshot.rows(name)));
    const partitions = await snapshot.partitions();
    return {
      clusterId,
      migrations: snapshot.migrations,
      partitions,
      tables: tables.map((one) => ({ ...one, columns: [...one.columns] })),
    };
  } finally {
    await snapshot.close();
  }
}

/** Each broker of a cluster has records that others lack, and no moment is common to their logs. */
function checkAlone(brokerIds: readonly number[]): void {
  if (brokerIds.length <= 1) return;
  throw new Error(
    `the cluster has ${brokerIds.length} brokers (${brokerIds.join(', ')}), and a backup copies the log of one: stop all of ` +
      'them, then copy every data folder and the database (docs/OPERATING.md)',
  );
}

async function* lines(batches: AsyncIterable<readonly string[]>): AsyncGenerator<string> {
  for await (const rows of batches) yield rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** A topic without a log was deleted since the snapshot, or is so new that its folders are only being created. */
async function copyLog(
  databaseUrl: string,
  logFolder: string,
  wanted: readonly PartitionOfTopic[],
  folder: DurableFolder,
): Promise<{ partitions: BackedUpPartition[]; deletedTopicIds: ReadonlySet<string> }> {
  const log = new LogCopy(logFolder, folder);
  const partitions: BackedUpPartition[] = [];
  const deletedTopicIds = new Set<string>();
  let left = wanted;
  for (let look = 1; left.length > 0; look++) {
    const copied = await log.copy(left);
    partitions.push(...copied.partitions);
    const topicIds = [...new Set(copied.absent.map(({ topicId }) => topicId))];
    if (topicIds.length === 0) break;
    for (const id of (await afterTheLog(databaseUrl, topicIds)).deletedTopicIds) deletedTopicIds.add(id);
    left = copied.absent.filter(({ topicId }) => !deletedTopicIds.has(topicId));
    if (look === MOST_LOOKS && left[0])
      throw new Error(
        `${logFolder} has no log of ${left[0].topic}-${left[0].partition}, which the database knows: a disk that is not ` +
          'mounted? Start the appliance: it says what is missing',
      );
    if (left.length > 0) await awaitFolders();
  }
  return { partitions: partitions.filter(({ topicId }) => !deletedTopicIds.has(topicId)), deletedTopicIds };
}

/** Files may be created and removed meanwhile. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  let bytes = 0;
  for (const entry of entries)
    if (entry.isFile())
      bytes += await stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      );
  return bytes;
}

function checkRoom(target: string, logBytes: number): void {
  const { bavail, bsize } = statfsSync(target);
  if (bavail * bsize < logBytes)
    throw new Error(
      `no room: the backup needs about ${inMegabytes(logBytes)}, ${dirname(target)} has ${inMegabytes(bavail * bsize)}: ` +
        'free some, or name a folder on another disk',
    );
}

const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

const noRoom = (target: string): Error =>
  new Error(
    `the disk of ${dirname(target)} is full: free some room, or name a folder on another disk; nothing was left there`,
  );
