// The feed of changes: each commit leaves what it changed, and whoever knows an earlier image makes the newer one from it
// without reading everything. Only so many changes are kept; who is further behind reads everything.
//
// The column is of type json, not jsonb: it holds the text as it was written, U+0000 in names and all digits of quotas too.
import { applied, type ClusterImage, type MetadataChange } from '@milepost/metadata';
import type { QueryRunner } from 'typeorm';

/** Commits that are kept. Reading that many costs less than reading the image of a large cluster. */
export const MOST_CHANGES_KEPT = 1_000;
/** A commit that is larger (a topic of some thousand partitions) is not kept: its followers read everything. */
const MOST_BYTES = 256 * 1024;

/** In the transaction of the commit that makes `version`. */
export async function writeFeed(
  runner: QueryRunner,
  version: number,
  changes: readonly MetadataChange[],
): Promise<void> {
  const text = JSON.stringify(changes);
  const kept = text.length > MOST_BYTES ? null : text;
  await runner.query('INSERT INTO metadata_changes VALUES ($1, $2)', [version, kept]);
  await runner.query('DELETE FROM metadata_changes WHERE version <= $1', [version - MOST_CHANGES_KEPT]);
}

interface FeedRow {
  readonly version: string;
  readonly changes: readonly MetadataChange[] | null;
}

/** The image of `version`, made from an earlier one of the same origin. Undefined where the feed does not reach from there. */
export async function followFeed(
  runner: QueryRunner,
  known: ClusterImage,
  version: number,
): Promise<ClusterImage | undefined> {
  if (version - known.version > MOST_CHANGES_KEPT) return undefined;
  const rows: FeedRow[] = await runner.query(
    'SELECT version, changes FROM metadata_changes WHERE version > $1 AND version <= $2 ORDER BY version',
    [known.version, version],
  );
  let image = known;
  for (const { version: next, changes } of rows) {
    if (!changes || Number(next) !== image.version + 1) return undefined;
    image = applied(image, changes);
  }
  return image.version === version ? image : undefined;
}
