// The small text files of a log folder, as Kafka writes them: one offset for each partition, and the folder's owner.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Keys: `<topic>-<partition>`; empty if there is no file. */
export function readCheckpoint(folder: string, name: string): Map<string, number> {
  const [, , ...entries] = (textOf(join(folder, name)) ?? '').split('\n');
  return new Map(
    entries.flatMap((entry) => {
      const [topic, partition, offset] = entry.split(' ');
      return offset === undefined ? [] : [[`${topic}-${partition}`, Number(offset)] as const];
    }),
  );
}

export function checkpointText(
  entries: readonly (readonly [topic: string, partition: number, offset: number])[],
): string {
  return `0\n${entries.length}\n${entries.map((entry) => `${entry.join(' ')}\n`).join('')}`;
}

export const clusterIdIn = (metaProperties: string): string | undefined =>
  /^cluster\.id=(.+)$/m.exec(metaProperties)?.[1];

/** As a UUID's 32 digits; undefined where the file is missing or damaged. */
export function topicIdIn(partitionFolder: string): string | undefined {
  const encoded = /^topic_id: (\S+)$/m.exec(textOf(join(partitionFolder, 'partition.metadata')) ?? '')?.[1];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64url').toString('hex');
}

export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
