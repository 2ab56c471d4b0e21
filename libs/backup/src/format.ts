// The format of a backup: a folder that any tool can read.
//
//   SHA256SUMS                 of every other file, as `sha256sum -c` reads it; a folder without it is not a backup
//   manifest.json              its content, its time, its cluster
//   database/<table>.rows      one row a line: a JSON string of PostgreSQL's own text for a composite value
//   log/meta.properties        the log's cluster and broker
//   log/<topic>-<partition>/   segments, indexes and producer snapshots, byte for byte
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

export const FORMAT = 1;
export const MANIFEST = 'manifest.json';
export const SUMS = 'SHA256SUMS';
/** Appended to the name of a backup that is being taken. */
export const PARTIAL = '.partial';
export const META_PROPERTIES = 'meta.properties';

export const rowsFile = (table: string): string => `database/${table}.rows`;

const partition = z.object({
  topic: z.string(),
  topicId: z.string(),
  partition: z.number(),
  /** Records below it are deleted. */
  logStartOffset: z.number(),
  endOffset: z.number(),
  /** Exclusive: the end of what the log cleaner had processed. */
  cleanedUpTo: z.number(),
});

const manifest = z.object({
  format: z.literal(FORMAT),
  takenAt: z.string(),
  clusterId: z.string(),
  migrations: z.array(z.string()),
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()) })),
  after: z.object({ deletedTopicIds: z.array(z.string()), nextProducerId: z.string() }),
  partitions: z.array(partition),
});

export type BackedUpPartition = z.infer<typeof partition>;
export type Manifest = z.infer<typeof manifest>;

/** @throws one line: not a backup, or one of a later format. */
export function readManifest(folder: string): Manifest {
  const read = parsed(folder);
  const { format } = (read ?? {}) as { format?: unknown };
  if (typeof format === 'number' && format > FORMAT)
    throw new Error(`${folder} is a backup of format ${format}, this milepost reads up to ${FORMAT}: use a newer one`);
  const checked = manifest.safeParse(read);
  if (checked.success) return checked.data;
  throw new Error(`${folder} is not a backup: ${MANIFEST} is missing or damaged`);
}

function parsed(folder: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8'));
  } catch {
    return undefined;
  }
}
