// A folder that is being written: every file is synced and its checksum recorded; every folder is synced at the end.
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Progress } from './progress.ts';

const CHUNK_BYTES = 1024 * 1024;

export class DurableFolder {
  readonly path: string;
  readonly #progress: Progress;
  /** By path within the folder. */
  readonly checksums = new Map<string, string>();
  readonly #folders = new Set<string>();
  sizeBytes = 0;

  constructor(path: string, progress: Progress) {
    this.path = path;
    this.#progress = progress;
    this.makeFolder('.');
  }

  makeFolder(name: string): void {
    const path = join(this.path, name);
    mkdirSync(path, { recursive: true });
    for (let one = path; one.length >= this.path.length; one = dirname(one)) this.#folders.add(one);
  }

  /** Copies the first bytes of an open file, whose name may be gone by now. @throws if it has fewer */
  async copy(name: string, source: FileHandle, sizeBytes: number): Promise<void> {
    await this.write(name, chunksOf(source, sizeBytes, name));
  }

  async write(
    name: string,
    content: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>,
  ): Promise<void> {
    this.makeFolder(dirname(name));
    const hash = createHash('sha256');
    await using file = await open(join(this.path, name), 'wx');
    for await (const part of content) {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      hash.update(bytes);
      await writeAll(file, bytes);
      this.sizeBytes += bytes.length;
      this.#progress.done(bytes.length);
    }
    await file.sync();
    this.checksums.set(name, hash.digest('hex'));
  }

  /** Makes the names in the folder durable. */
  async sync(): Promise<void> {
    for (const folder of this.#folders) await syncFolder(folder);
    await syncFolder(dirname(this.path));
  }
}

async function* chunksOf(source: FileHandle, sizeBytes: number, name: string): AsyncGenerator<Uint8Array> {
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(1, sizeBytes)));
  for (let at = 0; at < sizeBytes; ) {
    const { bytesRead } = await source.read(chunk, 0, Math.min(chunk.length, sizeBytes - at), at);
    if (bytesRead === 0) throw new Error(`${name}: ends at ${at}, expected ${sizeBytes} bytes`);
    yield chunk.subarray(0, bytesRead);
    at += bytesRead;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
}

export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // Windows cannot, and writes names through
  await using handle = await open(folder, 'r');
  await handle.sync();
}
