// Copies the logs of a data folder, partition by partition, beside a broker that may be running.
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { partitionName, severalAtOnce } from '@milepost/core';
import type { PartitionOfTopic } from '@milepost/postgres';
import { readCheckpoint, topicIdIn } from './checkpoints.ts';
import type { DurableFolder } from './durable-folder.ts';
import type { BackedUpPartition } from './format.ts';
import { lastWholeBatch } from './last-whole-batch.ts';
import { type OpenLog, openLog } from './open-log.ts';

export interface CopiedLog {
  readonly partitions: readonly BackedUpPartition[];
  /** In the database, but not in the folder: deleted meanwhile, or not created yet. */
  readonly absent: readonly PartitionOfTopic[];
}

const PARTITIONS_AT_ONCE = 8;

export class LogCopy {
  readonly #logFolder: string;
  readonly #target: DurableFolder;
  readonly #logStarts: ReadonlyMap<string, number>;
  readonly #cleanedOffsets: ReadonlyMap<string, number>;
  readonly #recoveryPoints: ReadonlyMap<string, number>;

  /** The checkpoints are read now, before any log, so they never exceed the copy. */
  constructor(logFolder: string, target: DurableFolder) {
    this.#logFolder = logFolder;
    this.#target = target;
    this.#logStarts = readCheckpoint(logFolder, 'log-start-offset-checkpoint');
    this.#cleanedOffsets = readCheckpoint(logFolder, 'cleaner-offset-checkpoint');
    this.#recoveryPoints = readCheckpoint(logFolder, 'recovery-point-offset-checkpoint');
  }

  async copy(wanted: readonly PartitionOfTopic[]): Promise<CopiedLog> {
    const partitions: BackedUpPartition[] = [];
    const absent: PartitionOfTopic[] = [];
    await severalAtOnce(PARTITIONS_AT_ONCE, wanted, async (one) => {
      const copied = await this.#copyPartition(one);
      if (copied) partitions.push(copied);
      else absent.push(one);
    });
    return { partitions, absent };
  }

  /** Undefined: there is no log of that topic. */
  async #copyPartition({ topic, topicId, partition }: PartitionOfTopic): Promise<BackedUpPartition | undefined> {
    const name = partitionName(topic, partition);
    const folder = join(this.#logFolder, name);
    const log = await openLog(folder);
    if (log === undefined) return undefined;
    try {
      if (topicIdIn(folder) !== topicId.replaceAll('-', '')) return undefined; // another topic has its name now
      const endOffset = await this.#copySegments(name, log);
      for (const { name: file, handle } of log.others) {
        const isBeyond = file.endsWith('.snapshot') && Number(file.slice(0, 20)) > endOffset;
        if (!isBeyond) await this.#target.copy(`log/${name}/${file}`, handle, (await handle.stat()).size);
      }
      const start = Math.max(log.segments[0]?.baseOffset ?? 0, this.#logStarts.get(name) ?? 0);
      const cleanedUpTo = Math.min(this.#cleanedOffsets.get(name) ?? 0, endOffset);
      return { topic, topicId, partition, logStartOffset: Math.min(start, endOffset), endOffset, cleanedUpTo };
    } finally {
      await log.close();
    }
  }

  /** Copies closed segments unchanged, the active one up to its last whole batch. Returns the end of the copy. */
  async #copySegments(name: string, log: OpenLog): Promise<number> {
    let endOffset = 0;
    for (const segment of log.segments) {
      const { size } = await segment.handle.stat();
      const isActive = segment === log.segments.at(-1);
      const end = isActive ? await lastWholeBatch(segment.handle, size, segment.baseOffset) : undefined;
      const sizeBytes = end === undefined || end.isAstray ? size : end.sizeBytes;
      await this.#target.copy(`log/${name}/${segment.name}`, segment.handle, sizeBytes);
      // If it has damage, the restored log is left to a recovery, which begins where that of this log would.
      if (end) endOffset = end.isAstray ? (this.#recoveryPoints.get(name) ?? segment.baseOffset) : end.endOffset;
    }
    return endOffset;
  }
}

/** The folder of a topic that was just created appears in a moment. */
export const awaitFolders = (): Promise<void> => pause(500);
