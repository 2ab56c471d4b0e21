// Small text files that are replaced as a whole: written to another name, synced, renamed over the old file, and the
// folder synced. After a power cut the file has the old text or the new one, never a part.
// Kafka's checkpoints are such files: a version, a count, one entry a line.
import type { Disk, Offset } from '@milepost/core';
import { GroupCommit } from './group-commit.ts';

/** Resolves when the text is durable under this name. */
export async function replaceText(disk: Disk, folder: string, name: string, text: string): Promise<void> {
  const path = `${folder}/${name}`;
  const beside = disk.open(`${path}.tmp`, 'create');
  try {
    beside.truncate(0); // a leftover of an earlier attempt
    beside.append(Buffer.from(text));
    await beside.sync();
  } finally {
    beside.close();
  }
  disk.rename(`${path}.tmp`, path);
  await disk.syncFolder(folder);
}

/** undefined where there is no such file. */
export function readText(disk: Disk, path: string): string | undefined {
  const file = disk.open(path, 'existing');
  if (file === undefined) return undefined;
  try {
    const bytes = Buffer.alloc(file.size());
    return bytes.toString('utf8', 0, file.read(0, bytes));
  } finally {
    file.close();
  }
}

export function formatCheckpoint(entries: readonly string[]): string {
  return `0\n${entries.length}\n${entries.map((entry) => `${entry}\n`).join('')}`;
}

/** The fields of each entry; undefined where the text is not a whole checkpoint of version 0. The last field is a number. */
export function parseCheckpoint(text: string, fieldsPerEntry: number): string[][] | undefined {
  const [version, count, ...lines] = text.split('\n').filter((line) => line !== '');
  const entries = lines.map((line) => line.split(' '));
  const isWhole =
    version === '0' &&
    Number(count) === entries.length &&
    entries.every((entry) => entry.length === fieldsPerEntry && isOffset(entry.at(-1)));
  return isWhole ? entries : undefined;
}

const isOffset = (text: string | undefined): boolean =>
  /^\d{1,16}$/.test(text ?? '') && Number(text) <= Number.MAX_SAFE_INTEGER;

/** `recovery-point-offset-checkpoint`, `log-start-offset-checkpoint`, `cleaner-offset-checkpoint`: one offset for each partition of a data folder. */
export class OffsetCheckpoint {
  readonly #saving: GroupCommit;
  #saved: string | undefined;

  /** `entries` is called when a save begins. */
  constructor(disk: Disk, folder: string, name: string, entries: () => Iterable<readonly [string, number, Offset]>) {
    this.#saving = new GroupCommit(async () => {
      const lines = Array.from(entries(), ([topic, partition, offset]) => `${topic} ${partition} ${offset}`);
      const text = formatCheckpoint(lines);
      if (text === this.#saved) return;
      this.#saved = undefined; // until the content of the file is known again
      await replaceText(disk, folder, name, text);
      this.#saved = text;
    });
  }

  /** Keys: `<topic>-<partition>`. Empty where the file is missing, undefined where it is not a checkpoint. */
  static read(disk: Disk, path: string): Map<string, Offset> | undefined {
    const text = readText(disk, path);
    if (text === undefined) return new Map();
    const entries = parseCheckpoint(text, 3);
    return (
      entries &&
      new Map(entries.map(([topic, partition, offset]) => [`${topic}-${partition}`, Number(offset) as Offset]))
    );
  }

  /** Resolves when what `entries` returned at or after this call is durable. */
  save(): Promise<void> {
    return this.#saving.run();
  }
}
