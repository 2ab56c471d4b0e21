// An open file of the simulated disk.
import { DiskFailed, type DiskFile, invariant } from '@milepost/core';
import type { SimInode } from './sim-inode.ts';
import type { SimRandom } from './sim-random.ts';

export type DiskOperation =
  | 'create'
  | 'append'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'synced'
  | 'rename'
  | 'remove'
  | 'makeFolder'
  | 'syncFolder'
  | 'syncedFolder'
  | 'lock';

/** The disk's interface for an open file. */
export interface DiskInside {
  readonly random: SimRandom;
  /** Announces the step; throws when the power is gone or the step is to fail. */
  step(operation: DiskOperation, path: string): void;
  elapse(): Promise<void>;
  isLie(path: string): boolean;
  freeBytes(): number;
  use(bytes: number): void;
}

export class SimDiskFile implements DiskFile {
  readonly path: string;
  readonly #disk: DiskInside;
  readonly #inode: SimInode;
  #isOpen = true;

  constructor(disk: DiskInside, path: string, inode: SimInode) {
    this.#disk = disk;
    this.path = path;
    this.#inode = inode;
  }

  size(): number {
    this.#mustBeOpen();
    return this.#inode.sizeBytes;
  }

  read(position: number, target: Uint8Array): number {
    this.#mustBeOpen();
    const bytes = this.#inode.seen.subarray(position, position + target.length);
    target.set(bytes);
    return bytes.length;
  }

  append(bytes: Uint8Array): void {
    this.#mustBeOpen();
    try {
      this.#disk.step('append', this.path);
    } catch (error) {
      if (error instanceof DiskFailed) this.#put(bytes.subarray(0, this.#disk.random.below(bytes.length)));
      throw error;
    }
    const fits = Math.min(bytes.length, this.#disk.freeBytes());
    this.#put(bytes.subarray(0, fits));
    if (fits < bytes.length) throw new DiskFailed('append', this.path, 'ENOSPC', `${fits} of ${bytes.length} bytes`);
  }

  write(position: number, bytes: Uint8Array): void {
    this.#mustBeOpen();
    const end = position + bytes.length;
    invariant(
      position >= 0 && end <= this.size(),
      () => `write to ${end} of ${this.path}, which ends at ${this.size()}`,
    );
    this.#disk.step('write', this.path);
    this.#inode.write(position, bytes);
  }

  truncate(sizeBytes: number): void {
    this.#mustBeOpen();
    const size = this.size();
    invariant(sizeBytes >= 0 && sizeBytes <= size, () => `truncate of ${this.path} from ${size} to ${sizeBytes}`);
    this.#disk.step('truncate', this.path);
    this.#disk.use(sizeBytes - size);
    this.#inode.truncate(sizeBytes);
  }

  async sync(): Promise<void> {
    this.#mustBeOpen();
    this.#disk.step('sync', this.path);
    const covered = this.#inode.lastChange;
    await this.#disk.elapse();
    try {
      this.#disk.step('synced', this.path);
    } catch (error) {
      if (error instanceof DiskFailed) this.#inode.syncFailed(covered, this.#disk.random);
      throw error;
    }
    if (!this.#disk.isLie(this.path)) this.#inode.synced(covered);
  }

  close(): void {
    this.#isOpen = false;
  }

  #put(bytes: Uint8Array): void {
    this.#disk.use(bytes.length);
    if (bytes.length > 0) this.#inode.write(this.#inode.sizeBytes, bytes);
  }

  #mustBeOpen(): void {
    invariant(this.#isOpen, () => `${this.path} is closed`);
  }
}
