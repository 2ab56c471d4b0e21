// Replaces segments by the cleaned segment that was made from them. A power cut leaves the old ones or the new one.
// File names are Kafka's:
//
//   1. `<base>.log.cleaned` and its indexes are written and synced.          found at start: removed
//   2. They become `.swap`, the .log last, and the names are synced.         found at start: the rest is done
//   3. The old files become `.deleted`, those of the lowest offsets first;
//      the `.swap` files take their names, the .log last.
//   4. The names are synced; `.deleted` files are removed later.
//
// Renames reach the disk in their order (file systems keep a journal of them); bytes do not, which is why step 1 ends
// with a sync. A cleaned segment ends with the last batch of its last source, emptied if necessary. So its own end
// determines which old segments it replaces, and no log has a gap between two segments.
import { type Disk, type LeaderEpoch, type Logger, NO_LEADER_EPOCH, type Offset } from '@milepost/core';
import { BATCH_HEADER_BYTES } from '@milepost/records';
import { LogFile } from './log-file.ts';
import { flawOf } from './integrity/flaws.ts';
import { findIntact, scan } from './integrity/scan.ts';
import { INDEX_EXTENSIONS, offsetName, offsetsIn, SEGMENT_EXTENSIONS } from './segment-files.ts';

export const CLEANED = '.cleaned';
export const SWAP = '.swap';
export const DELETED = '.deleted';

const LEADER_EPOCH_AT = 12;

/**
 * The first step of a start: undoes or completes a cleaning that was interrupted. Resolves with the base offsets of the
 * segments that were put in place now: their indexes must be rebuilt, as those that had their names already are removed.
 */
export async function finishSwaps(disk: Disk, folder: string, logger: Logger): Promise<readonly Offset[]> {
  const names = (disk.list(folder) ?? []).map(({ name }) => name);
  for (const name of names) if (name.endsWith(CLEANED)) await disk.remove(`${folder}/${name}`);
  const swapped = names.filter((name) => name.endsWith(SWAP)).map((name) => name.slice(0, -SWAP.length));
  const bases = swapped.flatMap((name) => offsetsIn(name, 'log'));
  for (const base of bases) await finishSwap(disk, folder, base, names, logger);
  const isOrphan = (name: string) => offsetsIn(name, ...INDEX_EXTENSIONS).some((base) => !bases.includes(base));
  for (const name of swapped) if (isOrphan(name)) await disk.remove(`${folder}/${name}${SWAP}`);
  return bases;
}

async function finishSwap(
  disk: Disk,
  folder: string,
  base: Offset,
  names: readonly string[],
  logger: Logger,
): Promise<void> {
  const path = `${folder}/${offsetName(base)}.log${SWAP}`;
  const begins = new Set(names.flatMap((name) => offsetsIn(name, 'log')));
  const { end, flaw } = endOf(disk, folder, base, begins);
  const isUntouched = names.includes(`${offsetName(base)}.log`);
  if (flaw !== undefined && isUntouched) {
    logger.error(
      { path, flaw },
      `${path} is damaged (${flaw}); the segments that it was made from are complete and remain`,
    );
    for (const extension of SEGMENT_EXTENSIONS.toReversed())
      await disk.remove(`${folder}/${offsetName(base)}.${extension}${SWAP}`);
    return;
  }
  logger.info({ path, base, end }, `${path}: finishing a cleaning that was interrupted`);
  for (const name of names) {
    const isReplaced = offsetsIn(name, ...SEGMENT_EXTENSIONS).some((one) => one >= base && one < end);
    if (isReplaced) await disk.remove(`${folder}/${name}`);
  }
  for (const extension of SEGMENT_EXTENSIONS) {
    const name = `${offsetName(base)}.${extension}`;
    if (names.includes(`${name}${SWAP}`)) disk.rename(`${folder}/${name}${SWAP}`, `${folder}/${name}`);
  }
  await disk.syncFolder(folder);
}

/**
 * The end of a damaged segment too: the segments that it replaces must not return beside it. No CRC covers a base
 * offset or a leader epoch. But the segment ends where another one begins, at the latest the active one, which no
 * cleaning replaces; and epochs never descend.
 */
function endOf(
  disk: Disk,
  folder: string,
  base: Offset,
  begins: ReadonlySet<Offset>,
): { end: Offset; flaw: string | undefined } {
  const file = new LogFile(disk, `${folder}/${offsetName(base)}.log${SWAP}`, false);
  let least = base;
  let end = base;
  let epoch: LeaderEpoch = NO_LEADER_EPOCH;
  let flaw: string | undefined;
  scan(file, 0, {
    visit: (batch, position) => {
      const found = flawOf(batch, least);
      if (found !== undefined) return found;
      if (batch.leaderEpoch < epoch) flaw ??= `batch at ${position}: leader epoch ${batch.leaderEpoch} after ${epoch}`;
      epoch = batch.leaderEpoch;
      least = batch.nextOffset;
      if (begins.has(least)) end = least;
      return undefined;
    },
    onFlaw: (position, found) => {
      flaw ??= `batch at ${position}: ${found}`;
      return findIntact(file, position + 1, least);
    },
  });
  file.close();
  if (end !== least) return { end, flaw: flaw ?? `it ends at offset ${least}, where no segment begins` };
  const behind = firstEpochOf(disk, `${folder}/${offsetName(end)}.log`);
  if (behind !== undefined && behind < epoch) flaw ??= `leader epoch ${epoch}, of what follows ${behind}`;
  return { end, flaw };
}

function firstEpochOf(disk: Disk, path: string): number | undefined {
  const header = Buffer.alloc(BATCH_HEADER_BYTES);
  const file = new LogFile(disk, path, false);
  const length = file.read(0, header);
  file.close();
  return length === header.length ? header.readInt32BE(LEADER_EPOCH_AT) : undefined;
}
