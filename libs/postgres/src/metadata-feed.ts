// The feed of changes: each commit stores its changes, and a follower that has an earlier image makes the newer one from
// them. Only the last commits are retained; a follower that is further behind reads everything.
//
// The column is of type json, not jsonb: it retains the text as it was written, with U+0000 in names and all digits of quotas.
import { applied, type ClusterImage, type MetadataChange } from '@milepost/metadata';
import type { QueryRunner } from 'typeorm';

/** Commits that are retained. Reading that many costs less than reading the image of a large cluster. */
const MOST_COMMITS = 1_000;
/** The changes of a larger commit (a topic with a thousand partitions) are not stored: its followers read everything. */
const MOST_BYTES = 256 * 1024;

/** In the transaction of the commit that makes `version`. */
export async function writeFeed(
  runner: QueryRunner,
  version: number,
  changes: readonly MetadataChange[],
): Promise<void> {
  const text = JSON.stringify(changes);
  const stored = text.length > MOST_BYTES ? null : text;
  await runner.query('INSERT INTO metadata_changes VALUES ($1, $2)', [version, stored]);
  await runner.query('DELETE FROM metadata_changes WHERE version <= $1', [version - MOST_COMMITS]);
}

interface FeedRow {
  readonly version: string;
  readonly changes: readonly MetadataChange[] | null;
}

/** The image of `version`, made from an earlier one of the same origin. Undefined if the feed does not lead there. */
export async function followFeed(
  runner: QueryRunner,
  known: ClusterImage,
  version: number,
): Promise<ClusterImage | undefined> {
  if (version - known.version > MOST_COMMITS) return undefined;
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
