// The machine's disk.
import type { Disk, DiskEntry, DiskFile, DiskLock } from '@milepost/core';
import { mkdirSync, readdirSync, renameSync, statfsSync, statSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { Descriptors } from './descriptors.ts';
import { failed, NodeDiskFile } from './node-disk-file.ts';
import { lockFile } from './node-lock.ts';
import { OpenFiles } from './open-files.ts';

export interface NodeDiskOptions {
  /** The limit of descriptors for idle files. Files with unsynced bytes keep theirs beyond it. */
  readonly openFiles?: number;
}

const OPEN_FILES = 4000;

export const nodeDisk = (options: NodeDiskOptions = {}): Disk => new NodeDisk(options.openFiles ?? OPEN_FILES);

class NodeDisk implements Disk {
  readonly #descriptors: Descriptors;
  readonly #files = new OpenFiles<NodeDiskFile>();

  constructor(openFiles: number) {
    this.#descriptors = new Descriptors(openFiles);
  }

  open(path: string, mode: 'existing'): DiskFile | undefined;
  open(path: string, mode: 'create'): DiskFile;
  open(path: string, mode: 'existing' | 'create'): DiskFile | undefined {
    try {
      const file = new NodeDiskFile(path, mode === 'create', this.#descriptors, (closed) => this.#files.delete(closed));
      this.#files.add(file);
      return file;
    } catch (error) {
      if (mode === 'existing' && isAbsent(error)) return undefined;
      throw failed('open', path, error);
    }
  }

  list(folder: string): DiskEntry[] | undefined {
    try {
      return readdirSync(folder, { withFileTypes: true })
        .map((entry) => ({ name: entry.name, kind: entry.isDirectory() ? ('folder' as const) : ('file' as const) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw failed('list', folder, error);
    }
  }

  rename(from: string, to: string): void {
    try {
      const moving = this.#files.beneath(from);
      for (const file of this.#files.at(to)) this.#loseName(file);
      renameSync(from, to);
      for (const file of moving) {
        this.#files.delete(file);
        file.moved(to + file.where.slice(from.length));
        this.#files.add(file);
      }
    } catch (error) {
      throw failed('rename', from, error);
    }
  }

  async remove(path: string): Promise<void> {
    try {
      for (const file of this.#files.beneath(path)) this.#loseName(file);
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      throw failed('remove', path, error);
    }
  }

  makeFolder(path: string): void {
    try {
      mkdirSync(path, { recursive: true });
    } catch (error) {
      throw failed('makeFolder', path, error);
    }
  }

  async syncFolder(folder: string): Promise<void> {
    try {
      // Windows cannot open a folder, and writes names through.
      if (process.platform === 'win32') return void statSync(folder);
      await using handle = await open(folder, 'r');
      await handle.sync();
    } catch (error) {
      if (cannotSyncFolders(error)) return;
      throw failed('syncFolder', folder, error);
    }
  }

  lock(path: string): DiskLock | undefined {
    return lockFile(path);
  }

  free(folder: string): { freeBytes: number; totalBytes: number } {
    try {
      const { bavail, blocks, bsize } = statfsSync(folder);
      return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    } catch (error) {
      throw failed('free', folder, error);
    }
  }

  #loseName(file: NodeDiskFile): void {
    file.loseName();
    this.#files.delete(file);
  }
}

const isAbsent = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Some network and user-space file systems refuse; there is no other way then. */
const cannotSyncFolders = (error: unknown): boolean =>
  ['EINVAL', 'ENOTSUP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '');
