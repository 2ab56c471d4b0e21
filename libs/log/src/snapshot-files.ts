// The snapshots of producers beside a log's segments: one at the start of each, one at a clean stop.
import type { Disk, Offset } from '@milepost/core';
import type { DeletedFiles } from './deleted-files.ts';
import { LogFile } from './log-file.ts';
import { snapshotPath } from './producer-recovery.ts';
import { formatSnapshot } from './producer-snapshot.ts';
import type { ProducerState } from './producer-state.ts';

export class SnapshotFiles {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #deletedFiles: DeletedFiles;
  readonly #offsets: Set<Offset>;

  constructor(disk: Disk, folder: string, deletedFiles: DeletedFiles, offsets: readonly Offset[]) {
    this.#disk = disk;
    this.#folder = folder;
    this.#deletedFiles = deletedFiles;
    this.#offsets = new Set(offsets);
  }

  /**
   * Writes the producers as of this offset, to be synced. Never overwrites a snapshot: it may be all that remains of
   * deleted batches. @throws DiskFailed
   */
  write(offset: Offset, producers: ProducerState): { sync(): Promise<void> }[] {
    if (this.#offsets.has(offset)) return [];
    const file = new LogFile(this.#disk, snapshotPath(this.#folder, offset), true);
    file.append(formatSnapshot(producers));
    this.#offsets.add(offset);
    return [{ sync: () => file.sync().then(() => file.close()) }];
  }

  forgetAll(): void {
    for (const offset of this.#offsets) this.forget(offset);
  }

  /** Removes the snapshot together with the segment that began there. */
  forget(offset: Offset): void {
    if (this.#offsets.delete(offset)) this.#deletedFiles.remove([snapshotPath(this.#folder, offset)]);
  }
}
