// A file of a log. An append is all or nothing. The size in memory counts: a failed append may have left more bytes in
// the file. A sync without a change since the last one costs nothing.
import { type Disk, type DiskFile, invariant } from '@milepost/core';

const REWRITTEN_AT_ONCE_BYTES = 1024 * 1024;

export class LogFile {
  #path: string;
  readonly #file: DiskFile;
  #sizeBytes: number;
  /** A failed append may have left bytes beyond the size. */
  #isRagged = false;
  /** Counts changes; a sync covers those before it began. */
  #changes = 0;
  #syncedChanges = 0;

  /** `isNew`: content that an interrupted attempt left under this name is cut away. */
  constructor(disk: Disk, path: string, isNew: boolean) {
    this.#path = path;
    this.#file = disk.open(path, 'create');
    this.#sizeBytes = this.#file.size();
    if (isNew) this.truncate(0);
  }

  /** Undefined where there is none. */
  static existing(disk: Disk, path: string): LogFile | undefined {
    const file = disk.open(path, 'existing');
    file?.close();
    return file && new LogFile(disk, path, false);
  }

  get path(): string {
    return this.#path;
  }
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Fills `target` from `position`; returns the number of bytes read. */
  read(position: number, target: Uint8Array): number {
    const wanted = Math.min(target.length, this.#sizeBytes - position);
    if (wanted <= 0) return 0;
    return this.#file.read(position, wanted === target.length ? target : target.subarray(0, wanted));
  }

  /** @throws DiskFailed; nothing was appended then. */
  append(bytes: Uint8Array): void {
    this.trim();
    this.#changes++;
    this.#isRagged = true;
    this.#file.append(bytes);
    this.#isRagged = false;
    this.#sizeBytes += bytes.length;
  }

  truncate(sizeBytes: number): void {
    invariant(sizeBytes <= this.#sizeBytes, () => `${this.path}: cut to ${sizeBytes}, size ${this.#sizeBytes}`);
    if (sizeBytes === this.#sizeBytes && !this.#isRagged) return;
    this.#changes++;
    this.#file.truncate(sizeBytes);
    this.#sizeBytes = sizeBytes;
    this.#isRagged = false;
  }

  /** Cuts what a failed append has left beyond the size, where no later append would overwrite it. */
  trim(): void {
    if (this.#isRagged) this.truncate(this.#sizeBytes);
  }

  /** Rewrites the content, so that bytes which are only in the page cache are written back. @throws DiskFailed */
  rewriteFrom(position: number): void {
    const chunk = Buffer.allocUnsafe(Math.min(REWRITTEN_AT_ONCE_BYTES, Math.max(0, this.#sizeBytes - position)));
    for (let at = position; at < this.#sizeBytes; at += chunk.length) {
      this.#changes++;
      this.#file.write(at, chunk.subarray(0, this.read(at, chunk)));
    }
  }

  /** After an unclean stop it is unknown what is durable: the next sync is a real one. */
  distrust(): void {
    this.#changes++;
  }

  /** @throws DiskFailed; the bytes may be lost then, and a second sync that succeeds would prove nothing. */
  async sync(): Promise<void> {
    const changes = this.#changes;
    if (changes === this.#syncedChanges) return;
    await this.#file.sync();
    this.#syncedChanges = changes;
  }

  /** Renames the file over any other of that name. @throws DiskFailed; the file has its old name then. */
  moveTo(disk: Disk, path: string): void {
    if (path === this.#path) return;
    disk.rename(this.#path, path);
    this.#path = path;
  }

  close(): void {
    this.#file.close();
  }
}
