// Cuts the end of a log off, from the batch that contains an offset on: what a follower does whose log has parted from its
// leader's (KIP-101).
//
// Promises: until the cut is made appends are refused, no sync begins and no cleaned segment is put in place; no checkpoint
// that is saved from its beginning on names an offset beyond it, else a start would take for synced what comes in place of
// the cut. In a power cut the log ends at the old end, at the cut, or between two batches in between, without a gap. What
// was not cut before a failure remains, and the cut can be made again.
import { invariant, Offset } from '@milepost/core';
import { type Damage, describeDamage } from './integrity/flaws.ts';
import type { LogAppender } from './log-appender.ts';
import type { LogCleaning } from './log-cleaning.ts';
import type { LogParts } from './log-parts.ts';
import type { LogStart } from './log-start.ts';
import { seek } from './read.ts';

export interface Rooms {
  readonly appender: LogAppender;
  readonly start: LogStart;
  readonly cleaning: LogCleaning;
}

/** Resolves when the cut is durable. @throws LogFailed, DiskFailed */
export async function truncateLog(
  parts: LogParts,
  { appender, start, cleaning }: Rooms,
  offset: Offset,
): Promise<void> {
  const { context, segments, sync, epochs, producers } = parts;
  const setBack = (to: Offset): void => {
    sync.setBack(to);
    cleaning.setBack(to);
  };
  const truncate = async (): Promise<void> => {
    invariant(offset >= start.offset, () => `cut to ${offset}, the log starts at ${start.offset}`);
    setBack(offset);
    await context.saveOffsets();
    cut(parts, offset);
    setBack(segments.active.nextOffset);
    epochs.truncateFromEnd(segments.active.nextOffset);
    await producers.recover(segments.all);
    sync.add(segments.active, { sync: () => context.host.disk.syncFolder(context.folder) });
  };
  await appender.exclude(() => cleaning.exclude(() => sync.exclude(truncate)));
  await sync.all();
}

function cut(parts: LogParts, offset: Offset): void {
  const { segments, sync, producers, config } = parts;
  const later = segments.all.slice(segments.placeOf(offset) + 1);
  for (const segment of later.toReversed()) {
    segments.remove(segment, config); // the last one first: in any power cut a log without gaps
    producers.forgetSnapshot(segment.baseOffset);
    sync.remove(segment);
  }
  const place = seek(segments.active, offset);
  invariant(
    place === undefined || 'sizeBytes' in place,
    () => `cannot cut to ${offset}: ${describeDamage(place as Damage)}`,
  );
  // In a hole that cleaning has left, the log ends where it was cut.
  if (place !== undefined) segments.active.truncate(place.position, Offset(Math.min(place.baseOffset, offset)));
}
