// A file of a log, opened when needed. An append is all or nothing, the size is what counts (a failed append may have
// left more in the file), and at most so many are open at once: 10,000 partitions are 30,000 files.
import type { Disk, DiskFile } from '@milepost/core';
import { invariant } from '@milepost/core';

/** Of all logs of a data folder. A file with unsynced bytes stays open: a failed write-back is told to whoever has it open. */
export class OpenFiles {
  readonly disk: Disk;
  readonly #limit: number;
  /** The one used longest ago comes first. */
  readonly #open = new Map<LogFile, DiskFile>();

  constructor(disk: Disk, limit = 2_000) {
    this.disk = disk;
    this.#limit = limit;
  }

  get count(): number {
    return this.#open.size;
  }

  /** The open file; made when it is absent, for a log never asks for a file that it does not mean to have. */
  of(owner: LogFile): DiskFile {
    const known = this.#open.get(owner);
    if (known !== undefined) {
      this.#open.delete(owner);
      this.#open.set(owner, known);
      return known;
    }
    const file = this.disk.open(owner.path, 'create');
    this.#open.set(owner, file);
    if (this.#open.size > this.#limit) this.#closeIdle(owner);
    return file;
  }

  close(owner: LogFile): void {
    this.#open.get(owner)?.close();
    this.#open.delete(owner);
  }

  #closeIdle(except: LogFile): void {
    for (const owner of this.#open.keys()) {
      if (this.#open.size <= this.#limit) return;
      if (owner !== except && !owner.isDirty) this.close(owner);
    }
  }
}

export class LogFile {
  readonly path: string;
  readonly #files: OpenFiles;
  #sizeBytes: number;
  /** A failed append may have left bytes beyond the size. */
  #isRagged = false;
  /** Counts changes; a sync covers those before it began. */
  #changes = 0;
  #syncedChanges = 0;

  /** `isNew`: whatever an interrupted attempt left under this name is cut away. */
  constructor(files: OpenFiles, path: string, isNew: boolean) {
    this.#files = files;
    this.path = path;
    this.#sizeBytes = files.of(this).size();
    if (isNew && this.#sizeBytes > 0) this.truncate(0);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }
  /** Holds bytes that may not be on the platter. */
  get isDirty(): boolean {
    return this.#changes > this.#syncedChanges;
  }

  /** Fills `target` from `position`; answers how many bytes there were. */
  read(position: number, target: Uint8Array): number {
    const wanted = Math.min(target.length, this.#sizeBytes - position);
    if (wanted <= 0) return 0;
    return this.#files.of(this).read(position, wanted === target.length ? target : target.subarray(0, wanted));
  }

  /** @throws DiskFailed, and then nothing was appended. */
  append(bytes: Uint8Array): void {
    const file = this.#files.of(this);
    if (this.#isRagged) this.truncate(this.#sizeBytes);
    this.#changes++;
    this.#isRagged = true;
    file.append(bytes);
    this.#isRagged = false;
    this.#sizeBytes += bytes.length;
  }

  truncate(sizeBytes: number): void {
    invariant(sizeBytes <= this.#sizeBytes, () => `${this.path}: cut to ${sizeBytes}, size ${this.#sizeBytes}`);
    this.#changes++;
    this.#files.of(this).truncate(sizeBytes);
    this.#sizeBytes = sizeBytes;
    this.#isRagged = false;
  }

  /** After an unclean stop nobody knows what is on the platter: the next sync is a real one. */
  distrust(): void {
    this.#changes++;
  }

  /** @throws DiskFailed; the bytes may be gone then, and a second sync that succeeds would prove nothing. */
  async sync(): Promise<void> {
    const changes = this.#changes;
    if (changes === this.#syncedChanges) return;
    await this.#files.of(this).sync();
    this.#syncedChanges = changes;
  }

  close(): void {
    this.#files.close(this);
  }
}
