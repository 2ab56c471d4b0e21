// The broker's data folder: all its logs, and files that describe how it was left.
//
//   .lock                              locked by the process that uses it
//   meta.properties                    the cluster and broker that it belongs to
//   .kafka_cleanshutdown               the last stop was clean
//   recovery-point-offset-checkpoint   the end of the part of each log that is certainly durable
//   log-start-offset-checkpoint        where each log starts, if not at 0
//   cleaner-offset-checkpoint          the end of the cleaned part of each compacted log
//   replication-offset-checkpoint      the high watermark of each log
//   <topic>-<partition>/               a log
//   <topic>-<partition>.<id>-delete/   a log that is being deleted
//   <topic>-<partition>.stray/         a log without metadata: retained, never opened
//
// Promises: one process at a time, one cluster and broker forever; a log is returned only after recovery; what a
// checkpoint holds about a deleted log is never applied to its successor.
import {
  type BrokerId,
  type Disk,
  DiskFailed,
  type DiskLock,
  type Host,
  invariant,
  Offset,
  partitionName,
  severalAtOnce,
  Uuid,
  uuidFromBase64,
  uuidToBase64,
  ZERO_UUID,
} from '@milepost/core';
import { OffsetCheckpoint, readText, replaceText } from './checkpoint.ts';
import { GroupCommit } from './group-commit.ts';
import { defaultLogConfig, type LogConfig } from './log-config.ts';
import { Log } from './log.ts';
import type { FlushPolicy, LogContext, LogPast } from './log-context.ts';
import { claimIdentity, LogDirectoryRefused, META_PROPERTIES } from './meta-properties.ts';
import { unlessFull } from './unless-full.ts';

export interface LogDirectoryOptions {
  /** `always`: acknowledgements wait for fsync. `os`: they do not, so an unclean stop may have lost what readers saw. */
  readonly flush: FlushPolicy;
  /** A topic's effective config at start; a missing one has Kafka's defaults. */
  readonly configOf?: (topic: string) => LogConfig;
  /** The topic's id in the cluster. A folder whose own file differs from it by a few bits has a damaged file. */
  readonly topicIdOf?: (topic: string) => Uuid | undefined;
  readonly onProgress?: (progress: RecoveryProgress) => void;
  /** The folder's lock, if the caller has acquired it and releases it (see lockLogFolder). */
  readonly lock?: DiskLock;
}

export interface RecoveryProgress {
  readonly openedLogs: number;
  readonly totalLogs: number;
  /** Bytes that were scanned so far because of an unclean stop. */
  readonly scannedBytes: number;
}

const RECOVERY_POINTS = 'recovery-point-offset-checkpoint';
const LOG_STARTS = 'log-start-offset-checkpoint';
const CLEANED_OFFSETS = 'cleaner-offset-checkpoint';
const HIGH_WATERMARKS = 'replication-offset-checkpoint';
const CLEAN_STOP = '.kafka_cleanshutdown';
const PARTITION_METADATA = 'partition.metadata';
const DELETED = '-delete';
/** Logs that are opened or closed concurrently, so that their syncs overlap. */
const LOGS_AT_ONCE = 16;
const CHECKPOINT_EVERY_MS = 60_000;
const FSYNC_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export class LogDirectory {
  readonly folder: string;
  readonly clusterId: string;
  readonly #host: Host;
  readonly #flush: FlushPolicy;
  /** Undefined if the caller holds it. */
  readonly #lock: DiskLock | undefined;
  readonly #logs = new Map<string, Log>();
  readonly #recoveryPoints: OffsetCheckpoint;
  readonly #logStarts: OffsetCheckpoint;
  readonly #cleanedOffsets: OffsetCheckpoint;
  readonly #highWatermarks: OffsetCheckpoint;
  readonly #fsyncSeconds;
  /** Partitions created or removed during a sync of the folder's names share the next one. */
  readonly #names: GroupCommit;
  /** Partitions that are gone, but that checkpoints may still name. */
  readonly #unforgotten = new Set<string>();
  #cancelTick = () => {};
  #isClosed = false;

  private constructor(host: Host, folder: string, clusterId: string, lock: DiskLock | undefined, flush: FlushPolicy) {
    this.#host = host;
    this.#flush = flush;
    this.folder = folder;
    this.clusterId = clusterId;
    this.#lock = lock;
    this.#recoveryPoints = new OffsetCheckpoint(host.disk, folder, RECOVERY_POINTS, () =>
      this.#offsets((log) => log.flushedOffset),
    );
    this.#logStarts = new OffsetCheckpoint(host.disk, folder, LOG_STARTS, () =>
      this.#offsets((log) => log.logStartOffset),
    );
    this.#cleanedOffsets = new OffsetCheckpoint(host.disk, folder, CLEANED_OFFSETS, () =>
      this.#offsets((log) => log.cleanedUpTo),
    );
    this.#highWatermarks = new OffsetCheckpoint(host.disk, folder, HIGH_WATERMARKS, () =>
      this.#offsets((log) => log.highWatermark),
    );
    this.#names = new GroupCommit(() => host.disk.syncFolder(folder));
    this.#fsyncSeconds = host.meter.histogram(
      'milepost_log_fsync_duration_seconds',
      'How long a group commit of a log took.',
      FSYNC_BUCKETS,
    );
  }

  /** @throws LogDirectoryRefused */
  static async open(
    host: Host,
    folder: string,
    identity: { readonly clusterId: string | undefined; readonly brokerId: BrokerId },
    options: LogDirectoryOptions,
  ): Promise<LogDirectory> {
    let lock: DiskLock | undefined;
    try {
      if (!options.lock) lock = lockLogFolder(host.disk, folder);
      const clusterId = await claimIdentity(host, folder, identity);
      const directory = new LogDirectory(host, folder, clusterId, lock, options.flush);
      await directory.#openLogs(options);
      return directory;
    } catch (failure) {
      lock?.release();
      throw failure instanceof DiskFailed ? refusal(folder, failure) : failure;
    }
  }

  logs(): Iterable<Log> {
    return this.#logs.values();
  }

  get(topic: string, partition: number): Log | undefined {
    return this.#logs.get(partitionName(topic, partition));
  }

  /** Resolves when the empty log would survive a power cut. @throws DiskFailed */
  async create(topic: string, topicId: Uuid, partition: number, config: LogConfig): Promise<Log> {
    const name = partitionName(topic, partition);
    invariant(!this.#logs.has(name), `${name} exists already`);
    if (this.#unforgotten.has(name)) await this.#saveCheckpoints();
    await this.#clearPlace(name, topicId);
    const { disk } = this.#host;
    const context = this.#contextOf(name);
    const identity = { topic, partition, topicId };
    const isUntouched = disk.list(context.folder) === undefined;
    disk.makeFolder(context.folder);
    if (isUntouched) await writeMetadata(disk, context.folder, topicId);
    else await replaceText(disk, context.folder, PARTITION_METADATA, metadataOf(topicId));
    // An attempt that the disk refused may have left anything in the folder.
    const log = isUntouched
      ? Log.create(identity, config, context)
      : await Log.open(identity, config, context, NO_PAST);
    await disk.syncFolder(context.folder);
    await this.#names.run();
    this.#logs.set(name, log);
    return log;
  }

  /**
   * Resolves when the log would not return after a power cut; its files are removed in the background. @throws
   * DiskFailed
   */
  async delete(topic: string, partition: number): Promise<void> {
    this.#remove(await this.#moveOut(topic, partition, (name) => this.#nameOfDeleted(name), 'deleted'));
  }

  /** For a folder without metadata: retained for an operator to inspect. @throws DiskFailed */
  async setAside(topic: string, partition: number): Promise<void> {
    const names = new Set(this.#host.disk.list(this.folder)?.map((entry) => entry.name));
    const free = (name: string): string => (names.has(name) ? free(`${name}.stray`) : name);
    await this.#moveOut(topic, partition, (name) => free(`${name}.stray`), 'set aside');
  }

  /** Writes the marker of a clean stop, unless a log has failed. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTick();
    let areClean = true;
    await severalAtOnce(LOGS_AT_ONCE, this.#logs.values(), async (log) => {
      areClean = (await log.close()) && areClean;
    });
    try {
      await this.#saveCheckpoints();
      if (areClean) await replaceText(this.#host.disk, this.folder, CLEAN_STOP, '{"version":0,"brokerEpoch":-1}');
    } catch (failure) {
      if (!(failure instanceof DiskFailed)) throw failure;
      this.#host.logger.error(
        { failure },
        `${this.folder}: not closed cleanly, the next start scans: ${failure.message}`,
      );
    } finally {
      this.#lock?.release();
    }
  }

  async #openLogs(options: LogDirectoryOptions): Promise<void> {
    const { disk, clock, logger, meter } = this.#host;
    const started = clock.monotonic();
    const wasClean = await this.#takeCleanMarker();
    const recoveryPoints = this.#readCheckpoint(RECOVERY_POINTS);
    const logStarts = this.#readCheckpoint(LOG_STARTS);
    const cleanedOffsets = this.#readCheckpoint(CLEANED_OFFSETS);
    const highWatermarks = this.#readCheckpoint(HIGH_WATERMARKS);
    const names = (disk.list(this.folder) ?? []).filter(({ kind }) => kind === 'folder').map(({ name }) => name);
    for (const name of names) if (name.endsWith(DELETED)) await disk.remove(`${this.folder}/${name}`);

    const todo = names.flatMap((name) => partitionOf(name) ?? []);
    const totalLogs = todo.length;
    let openedLogs = 0;
    let scannedBytes = 0;
    await severalAtOnce(LOGS_AT_ONCE, todo, async ({ topic, partition, name }) => {
      const topicId = await this.#readTopicId(name, options.topicIdOf?.(topic));
      if (topicId === undefined) return;
      const config = options.configOf?.(topic) ?? defaultLogConfig;
      const log = await Log.open({ topic, partition, topicId }, config, this.#contextOf(name), {
        wasClean,
        acknowledgedUnsynced: options.flush === 'os',
        recoveryPoint: recoveryPoints.get(name) ?? Offset(0),
        logStartOffset: this.#plausibleStart(name, logStarts.get(name) ?? Offset(0), recoveryPoints.get(name)),
        cleanedUpTo: cleanedOffsets.get(name) ?? Offset(0),
        highWatermark: highWatermarks.get(name) ?? Offset(0),
      });
      this.#logs.set(name, log);
      scannedBytes += log.recoveredBytes;
      options.onProgress?.({ openedLogs: ++openedLogs, totalLogs, scannedBytes });
    });
    await this.#saveCheckpoints();

    const seconds = (clock.monotonic() - started) / 1000;
    meter.gauge('milepost_log_recovery_seconds', 'How long the last start took to open all logs.').set(seconds);
    logger.info(
      { logs: this.#logs.size, wasClean, scannedBytes, seconds },
      `opened ${this.#logs.size} logs in ${this.folder}`,
    );
    this.#scheduleTick();
  }

  /**
   * Whether the marker exists. It is removed durably before anything is appended: it does not describe the next stop.
   */
  async #takeCleanMarker(): Promise<boolean> {
    const path = `${this.folder}/${CLEAN_STOP}`;
    if (readText(this.#host.disk, path) === undefined) return false;
    await this.#host.disk.remove(path);
    await this.#host.disk.syncFolder(this.folder);
    return true;
  }

  #readCheckpoint(name: string): Map<string, Offset> {
    const path = `${this.folder}/${name}`;
    const offsets = OffsetCheckpoint.read(this.#host.disk, path);
    if (offsets === undefined)
      this.#host.logger.warn({ path }, `${path} is not a checkpoint: continuing as if it were empty`);
    return offsets ?? new Map();
  }

  /** Undefined for the remains of a creation that was never acknowledged, ended by a power cut. */
  async #readTopicId(name: string, expected: Uuid | undefined): Promise<Uuid | undefined> {
    const { disk, logger } = this.#host;
    const folder = `${this.folder}/${name}`;
    const path = `${folder}/${PARTITION_METADATA}`;
    const seen = topicIdIn(disk, folder);
    if (seen === undefined && holdsNothing(disk, folder)) {
      await disk.remove(folder);
      return undefined;
    }
    if (seen !== undefined && (expected === undefined || !isDamaged(seen, expected))) return seen;
    logger.error({ path, seen, expected }, `${path} is damaged: it names ${seen ?? 'no topic id'}`);
    if (expected === undefined) return seen ?? ZERO_UUID;
    await replaceText(disk, folder, PARTITION_METADATA, metadataOf(expected));
    return expected;
  }

  #contextOf(name: string): LogContext {
    return {
      host: this.#host,
      folder: `${this.folder}/${name}`,
      fsyncSeconds: this.#fsyncSeconds,
      flush: this.#flush,
      saveOffsets: () => this.#saveCheckpoints(),
    };
  }

  /** Removes what an earlier log of that name has left because the disk had refused its removal. */
  async #clearPlace(name: string, topicId: Uuid): Promise<void> {
    const { disk } = this.#host;
    const folder = `${this.folder}/${name}`;
    const seen = topicIdIn(disk, folder);
    if (seen === undefined || seen === topicId) return;
    const deleted = `${this.folder}/${this.#nameOfDeleted(name)}`;
    disk.rename(folder, deleted);
    await this.#names.run();
    this.#remove(deleted);
  }

  #nameOfDeleted(name: string): string {
    const suffix = `.${this.#host.random.uuid().replaceAll('-', '')}${DELETED}`;
    return name.slice(0, 255 - suffix.length) + suffix;
  }

  #remove(folder: string): void {
    void this.#host.disk
      .remove(folder)
      .catch((failure) => this.#host.logger.warn({ failure }, `${folder}: removed at the next start: ${failure}`));
  }

  /**
   * Renames the folder. The checkpoints must drop the log too, at the latest when a log of that name is created, which
   * starts at 0. A full disk does not prevent the deletion of a folder.
   */
  async #moveOut(topic: string, partition: number, newName: (name: string) => string, reason: string): Promise<string> {
    const name = partitionName(topic, partition);
    const log = this.#logs.get(name);
    invariant(log !== undefined, `there is no log ${name}`);
    this.#logs.delete(name);
    this.#unforgotten.add(name);
    await log.retire(`it was ${reason}`);
    const moved = `${this.folder}/${newName(name)}`;
    this.#host.disk.rename(`${this.folder}/${name}`, moved);
    await this.#names.run();
    await unlessFull(this.#host.logger, name, 'a checkpoint without it', () => this.#saveCheckpoints());
    return moved;
  }

  *#offsets(of: (log: Log) => Offset): Generator<readonly [string, number, Offset]> {
    for (const log of this.#logs.values()) if (of(log) > 0) yield [log.topic, log.partition, of(log)];
  }

  /** In this order, so that a start never lies beyond the recovery point in the other file. */
  async #saveCheckpoints(): Promise<void> {
    const forgotten = [...this.#unforgotten];
    await this.#recoveryPoints.save();
    await this.#logStarts.save();
    await this.#cleanedOffsets.save();
    await this.#highWatermarks.save();
    for (const name of forgotten) this.#unforgotten.delete(name);
  }

  /** Files below a log's start are deleted, so an impossible start must be ignored. */
  #plausibleStart(name: string, start: Offset, recoveryPoint: Offset | undefined): Offset {
    if (recoveryPoint === undefined || start <= recoveryPoint) return start;
    this.#host.logger.error(
      { partition: name, start, recoveryPoint },
      `${this.folder}/${LOG_STARTS} lets ${name} start at ${start}, but only offsets below ${recoveryPoint} were ever synced: ignored`,
    );
    return Offset(0);
  }

  /**
   * One timer for all logs. A saved recovery point shortens the next start's scan and distinguishes damage from a torn
   * tail.
   */
  #scheduleTick(): void {
    this.#cancelTick = this.#host.clock.after(CHECKPOINT_EVERY_MS, () => {
      const warn = (failure: unknown) => this.#host.logger.warn({ failure }, `${this.folder}: ${String(failure)}`);
      void this.#recoveryPoints
        .save()
        .then(() => this.#highWatermarks.save())
        .catch(warn)
        .finally(() => {
          if (!this.#isClosed) this.#scheduleTick();
        });
    });
  }
}

const topicIdIn = (disk: Disk, folder: string): Uuid | undefined =>
  uuidFromBase64(/^topic_id: (\S+)$/m.exec(readText(disk, `${folder}/${PARTITION_METADATA}`) ?? '')?.[1] ?? '');

const metadataOf = (topicId: Uuid): string => `version: 0\ntopic_id: ${uuidToBase64(topicId)}\n`;

/** Into a new folder, whose names the caller syncs: a torn file is beside an empty log. */
async function writeMetadata(disk: Disk, folder: string, topicId: Uuid): Promise<void> {
  const file = disk.open(`${folder}/${PARTITION_METADATA}`, 'create');
  try {
    file.append(Buffer.from(metadataOf(topicId)));
    await file.sync();
  } finally {
    file.close();
  }
}

/** A flipped bit of the text changes up to six of the id; two random ids differ in about sixty. */
function isDamaged(seen: Uuid, expected: Uuid): boolean {
  const [one, other] = [seen, expected].map((id) => Buffer.from(id.replaceAll('-', ''), 'hex'));
  let bits = 0;
  for (const [at, byte] of (one as Buffer).entries())
    for (let different = byte ^ ((other as Buffer)[at] as number); different > 0; different &= different - 1) bits++;
  return bits > 0 && bits <= MOST_TURNED_BITS;
}

const MOST_TURNED_BITS = 8;

/** True if no log in the folder has a byte. */
function holdsNothing(disk: Disk, folder: string): boolean {
  return (disk.list(folder) ?? []).every(({ name }) => {
    const file = name.endsWith('.log') ? disk.open(`${folder}/${name}`, 'existing') : undefined;
    const isEmpty = (file?.size() ?? 0) === 0;
    file?.close();
    return isEmpty;
  });
}

const NO_PAST: LogPast = {
  wasClean: false,
  acknowledgedUnsynced: false,
  recoveryPoint: Offset(0),
  logStartOffset: Offset(0),
  cleanedUpTo: Offset(0),
  highWatermark: Offset(0),
};

/** A topic's name may contain dashes and dots; the partition follows the last dash. */
function partitionOf(name: string): { topic: string; partition: number; name: string } | undefined {
  const [, topic, partition] = /^(.+)-(\d+)$/.exec(name) ?? [];
  return topic === undefined || partition === undefined ? undefined : { topic, partition: Number(partition), name };
}

/** Until it is released, or its process dies, no other process can use the folder. @throws LogDirectoryRefused */
export function lockLogFolder(disk: Disk, folder: string): DiskLock {
  const lock = refusing(folder, () => {
    disk.makeFolder(folder);
    return disk.lock(`${folder}/.lock`);
  });
  if (lock === undefined)
    throw new LogDirectoryRefused(
      `data folder ${folder} is in use by another process: stop that one, or give this one its own MILEPOST_DATA_DIR`,
    );
  return lock;
}

/** Whether no broker has ever claimed the folder: it has no meta.properties. @throws LogDirectoryRefused */
export const isUnclaimed = (disk: Disk, folder: string): boolean =>
  refusing(folder, () => readText(disk, `${folder}/${META_PROPERTIES}`) === undefined);

function refusing<Result>(folder: string, work: () => Result): Result {
  try {
    return work();
  } catch (failure) {
    throw failure instanceof DiskFailed ? refusal(folder, failure) : failure;
  }
}

function refusal(folder: string, failure: DiskFailed): LogDirectoryRefused {
  const cure = ['EACCES', 'EPERM', 'EROFS'].includes(failure.code)
    ? 'make it writable for this user, or set MILEPOST_DATA_DIR to a folder that is'
    : failure.isFull
      ? 'free some space on that disk'
      : 'check that disk';
  return new LogDirectoryRefused(`data folder ${folder} cannot be used: ${failure.message}: ${cure}`, {
    cause: failure,
  });
}
