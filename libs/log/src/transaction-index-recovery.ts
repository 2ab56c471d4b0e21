// The indexes of aborted transactions again, from the batches: after a stop that left them behind their segments, a swap
// that was interrupted, or damage. A transaction may have begun in an earlier segment, so the walk begins at the last
// snapshot of the producers before the first of them.
import type { Host } from '@milepost/core';
import { loadNewest, replay, snapshotsIn } from './producer-recovery.ts';
import type { Segment } from './segment.ts';

/** Before the snapshots are tidied up. Resolves when closed segments have their indexes on the platter. @throws DiskFailed */
export async function rebuildTransactionIndexes(
  { disk, clock, logger }: Pick<Host, 'disk' | 'clock' | 'logger'>,
  folder: string,
  segments: readonly Segment[],
  unsure: ReadonlySet<Segment>,
): Promise<void> {
  const first = segments.findIndex((segment) => unsure.has(segment));
  const last = segments.findLastIndex((segment) => unsure.has(segment));
  if (first < 0) return;
  const from = (segments[first] as Segment).baseOffset;
  const nowMs = clock.monotonic();
  const usable = snapshotsIn(disk, folder).filter((offset) => offset <= from);
  const { producers, offset } = loadNewest({ disk, folder, logger, nowMs }, usable);
  let knownTo = offset;
  for (const segment of segments.slice(0, last + 1)) {
    if (segment.nextOffset <= offset) continue;
    const isUnsure = unsure.has(segment);
    if (isUnsure) segment.clearAborted();
    knownTo = await replay(segment, knownTo, producers, {
      nowMs,
      clock,
      onEnded: (ended) => {
        if (ended.isAborted && isUnsure) segment.noteAborted(ended);
      },
    });
    if (isUnsure && segment !== segments.at(-1)) await segment.sync();
  }
  await disk.syncFolder(folder);
}
