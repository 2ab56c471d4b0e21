// Cuts off the end of a log, from the batch that contains an offset on: a follower whose log has diverged from its
// leader's does this (KIP-101). Or restarts a log at an offset, empty: a follower whose log ends before its leader's starts
// does this.
//
// Promises: until the cut is done, appends are refused, no sync begins and no segment is swapped. A checkpoint saved
// after the cut began never names an offset beyond it: otherwise a start would take the records that replace the cut
// ones for synced. After a power cut the log ends at the old end, at the cut, or between two batches in between,
// without a gap. After a failure the remaining records are still there, and the cut can be repeated.
// A restart that the disk refuses half way fails the log.
import { invariant, Offset } from '@milepost/core';
import { type Damage, describeDamage } from './integrity/flaws.ts';
import type { LogAppender } from './log-appender.ts';
import type { LogCleaning } from './log-cleaning.ts';
import type { LogParts } from './log-parts.ts';
import type { LogStart } from './log-start.ts';
import { seek } from './read.ts';
import { Segment } from './segment.ts';

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
  highWatermark: Offset,
): Promise<void> {
  const { context, segments, sync, epochs, producers } = parts;
  const setBack = (to: Offset): void => {
    sync.setBack(to);
    cleaning.setBack(to);
  };
  const truncate = async (): Promise<void> => {
    // An epoch that has begun at the log's end and written nothing may be another leader's by now (kafka#9633).
    const end = segments.active.nextOffset;
    if (offset >= end) return epochs.truncateFromEnd(end);
    invariant(offset >= start.offset, () => `cut to ${offset}, the log starts at ${start.offset}`);
    setBack(offset);
    await context.saveOffsets();
    cut(parts, offset);
    setBack(segments.active.nextOffset);
    epochs.truncateFromEnd(segments.active.nextOffset);
    await producers.recover(segments.all, highWatermark);
    sync.add(segments.active, { sync: () => context.host.disk.syncFolder(context.folder) });
  };
  await appender.exclude(() => cleaning.exclude(() => sync.exclude(truncate)));
  await sync.all();
}

/** Resolves when the log is empty, starts there, and would do so after a power cut. @throws LogFailed, DiskFailed */
export async function restartLog(parts: LogParts, { appender, start, cleaning }: Rooms, offset: Offset): Promise<void> {
  const { context, segments, sync, epochs, producers, health, config } = parts;
  const { folder } = context;
  const { disk } = context.host;
  const restart = async (): Promise<void> => {
    const lowest = Offset(Math.min(start.offset, offset));
    sync.setBack(lowest);
    cleaning.setBack(lowest);
    start.restartAt(lowest);
    await context.saveOffsets();
    for (const segment of segments.all) sync.remove(segment);
    producers.forgetAll();
    epochs.truncateFromEnd(Offset(0));
    try {
      segments.restart(() => new Segment(disk, folder, offset, { isNew: true }), config);
    } catch (failure) {
      throw health.syncFailed(failure, lowest);
    }
    start.restartAt(offset);
    sync.add({ sync: () => disk.syncFolder(folder) });
  };
  await appender.exclude(() => cleaning.exclude(() => sync.exclude(restart)));
  await sync.all();
  await context.saveOffsets();
}

function cut(parts: LogParts, offset: Offset): void {
  const { segments, sync, producers, config } = parts;
  const later = segments.all.slice(segments.placeOf(offset) + 1);
  for (const segment of later.toReversed()) {
    segments.remove(segment, config); // the last one first, so that a power cut never leaves a gap
    producers.forgetSnapshot(segment.baseOffset);
    sync.remove(segment);
  }
  const place = seek(segments.active, offset);
  invariant(
    place === undefined || 'sizeBytes' in place,
    () => `cannot cut to ${offset}: ${describeDamage(place as Damage)}`,
  );
  // In a hole that cleaning has left, the log ends at the offset of the cut.
  if (place !== undefined) segments.active.truncate(place.position, Offset(Math.min(place.baseOffset, offset)));
}
