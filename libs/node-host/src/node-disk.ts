// The machine's disk.
import type { Disk, DiskEntry, DiskFile, DiskLock } from '@milepost/core';
import { mkdirSync, readdirSync, renameSync, statfsSync, statSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { Descriptors } from './descriptors.ts';
import { failed, NodeDiskFile } from './node-disk-file.ts';
import { lockFile } from './node-lock.ts';

export interface NodeDiskOptions {
  /** How many descriptors idle files may keep. Files with unsynced bytes keep theirs beyond it. */
  readonly openFiles?: number;
}

const OPEN_FILES = 4000;

export const nodeDisk = (options: NodeDiskOptions = {}): Disk => new NodeDisk(options.openFiles ?? OPEN_FILES);

class NodeDisk implements Disk {
  readonly #descriptors: Descriptors;
  /** All open files by where they are now. */
  readonly #files = new Map<string, Set<NodeDiskFile>>();

  constructor(openFiles: number) {
    this.#descriptors = new Descriptors(openFiles);
  }

  open(path: string, mode: 'existing'): DiskFile | undefined;
  open(path: string, mode: 'create'): DiskFile;
  open(path: string, mode: 'existing' | 'create'): DiskFile | undefined {
    try {
      const file = new NodeDiskFile(path, mode === 'create', this.#descriptors, (closed) => this.#forget(closed));
      this.#remember(file);
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
      const moving = this.#filesAt(from);
      for (const file of this.#files.get(to) ?? []) this.#loseName(file);
      renameSync(from, to);
      for (const file of moving) {
        this.#forget(file);
        file.moved(to + file.where.slice(from.length));
        this.#remember(file);
      }
    } catch (error) {
      throw failed('rename', from, error);
    }
  }

  async remove(path: string): Promise<void> {
    try {
      for (const file of this.#filesAt(path)) this.#loseName(file);
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
      // Windows has no way to open a folder, and writes names through.
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

  #remember(file: NodeDiskFile): void {
    const there = this.#files.get(file.where);
    if (there) there.add(file);
    else this.#files.set(file.where, new Set([file]));
  }

  #forget(file: NodeDiskFile): void {
    const there = this.#files.get(file.where);
    there?.delete(file);
    if (there?.size === 0) this.#files.delete(file.where);
  }

  /** Open files with this path or, where it is a folder, beneath it. */
  #filesAt(path: string): NodeDiskFile[] {
    const found = [...(this.#files.get(path) ?? [])];
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
      for (const [where, files] of this.#files) if (where.startsWith(`${path}/`)) found.push(...files);
    return found;
  }

  #loseName(file: NodeDiskFile): void {
    file.loseName();
    this.#forget(file);
  }
}

const isAbsent = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Some network and user-space file systems refuse; then there is nothing that could be done. */
const cannotSyncFolders = (error: unknown): boolean =>
  ['EINVAL', 'ENOTSUP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '');
