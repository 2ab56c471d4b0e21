// Reads a whole backup and compares every file with its checksum.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { textOf } from './checkpoints.ts';
import { SUMS } from './format.ts';
import type { Progress } from './progress.ts';

/** By path within the backup. @throws unless every file is listed, present and unchanged */
export async function verifyBackup(folder: string, progress: Progress): Promise<ReadonlyMap<string, string>> {
  const sums = readSums(folder);
  const present = await filesIn(folder);
  const absent = [...sums.keys()].find((name) => !present.has(name));
  if (absent !== undefined) throw new Error(`${folder} is damaged: ${absent} is missing; take another backup`);
  const unlisted = [...present].find((name) => !sums.has(name) && name !== SUMS);
  if (unlisted !== undefined)
    throw new Error(`${folder} is damaged: ${SUMS} does not list ${unlisted}; take another backup`);
  for (const [name, expected] of sums) {
    const seen = await checksumOf(join(folder, name), progress);
    if (seen !== expected)
      throw new Error(`${folder} is damaged: sha256 of ${name} is ${seen}, expected ${expected}; take another backup`);
  }
  return sums;
}

function readSums(folder: string): Map<string, string> {
  const text = textOf(join(folder, SUMS));
  if (text === undefined)
    throw new Error(`${folder} is not a backup: it has no ${SUMS}; an unfinished one ends in .partial`);
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, sum, name] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
      return sum === undefined || name === undefined ? [] : [[name, sum] as const];
    }),
  );
}

async function filesIn(folder: string): Promise<Set<string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return new Set(files.map(({ parentPath, name }) => relative(folder, join(parentPath, name)).split(sep).join('/')));
}

async function checksumOf(path: string, progress: Progress): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    progress.done(chunk.length);
  }
  return hash.digest('hex');
}
