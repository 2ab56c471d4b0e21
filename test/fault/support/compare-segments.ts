// Two copies of a log, segment by segment: a restored one beside its source, or two replicas.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../../support/run.ts';

/** Returns the number of compared segments. The source may have continued: the restored log must be a prefix of it. */
export function compareSegments(restored: string, source: string): number {
  const compared = compareCommonSegments(restored, source);
  check(compared > 0, 'segments to compare', 'none');
  return compared;
}

/** As `compareSegments`, for folders that may have nothing in common. */
export function compareCommonSegments(restored: string, source: string): number {
  let compared = 0;
  for (const name of segmentsOf(restored)) {
    const bytes = readFileSync(join(restored, 'log', name));
    const original = originalOf(join(source, 'log', name));
    if (original === undefined) continue; // deleted or cleaned since
    check(original.subarray(0, bytes.length).equals(bytes), `${name} is alike in both`, `${bytes.length} bytes`);
    compared++;
  }
  return compared;
}

const segmentsOf = (folder: string): string[] =>
  readdirSync(join(folder, 'log'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.log') && !name.startsWith('__consumer_offsets'), // the cleaner rewrites that one
  );

function originalOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
