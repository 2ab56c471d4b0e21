// Recovers the producers as of the log's end: from the newest usable snapshot, and the batches after it.
import { type Clock, type Disk, type Host, type Logger, MalformedMessage, Offset } from '@milepost/core';
import { LogFile } from './log-file.ts';
import type { EndedTransaction } from './open-transactions.ts';
import { formatSnapshot, parseSnapshot } from './producer-snapshot.ts';
import { ProducerState } from './producer-state.ts';
import { findIntact, scanInTurns } from './integrity/scan.ts';
import type { Segment } from './segment.ts';
import { offsetName, offsetsIn } from './segment-files.ts';

export interface RecoveredProducers {
  readonly producers: ProducerState;
  /** Offsets of the retained snapshots, ascending. */
  readonly snapshots: Offset[];
}

export const snapshotPath = (folder: string, offset: Offset): string => `${folder}/${offsetName(offset)}.snapshot`;

/**
 * Resolves when the recovered state is durable as a snapshot: its source batches may be deleted next. Removes snapshots
 * beyond the end: they describe batches that were cut, and must not be used again. Where batches are missing between
 * the snapshot and the end, the producers known by then are marked incomplete; `isShort`: the log itself ends before
 * offsets that were synced. A snapshot does not name ended transactions whose markers are not below the high watermark:
 * those are collected from the batches. Without a known high watermark (0) there are none, as on a first start.
 */
export async function recoverProducers(
  { disk, clock, logger }: Pick<Host, 'disk' | 'clock' | 'logger'>,
  folder: string,
  segments: readonly Segment[],
  { highWatermark, isShort = false }: { readonly highWatermark: Offset; readonly isShort?: boolean },
): Promise<RecoveredProducers> {
  const nowMs = clock.monotonic();
  const end = (segments.at(-1) as Segment).nextOffset;
  const found = snapshotsIn(disk, folder);
  const usable = found.filter((offset) => offset <= end);
  const loading = { disk, folder, logger, nowMs };
  const { producers, offset } = loadNewest(loading, usable);
  if (highWatermark > 0 && highWatermark < offset) {
    const before = loadNewest(
      loading,
      usable.filter((one) => one <= highWatermark),
    );
    const ended = await endedIn(segments, before, { nowMs, clock });
    for (const one of ended)
      if (one.lastOffset >= highWatermark && one.lastOffset < offset) producers.noteUncommitted(one);
  }
  let knownTo = offset;
  for (const segment of segments)
    if (segment.nextOffset > offset) knownTo = await replay(segment, knownTo, producers, { nowMs, clock });
  const isIncomplete = isShort || knownTo < end;
  if (isIncomplete) producers.markIncomplete();

  const snapshots = usable.filter((one) => one <= offset && (one === offset || isBase(segments, one)));
  const stale = found.filter((one) => !snapshots.includes(one));
  for (const one of stale) await disk.remove(snapshotPath(folder, one));
  if (producers.size > 0) {
    await saveSnapshot(disk, folder, end, offset === end && !isIncomplete ? undefined : producers);
    if (offset !== end) snapshots.push(end);
  }
  if (stale.length > 0 || offset !== end) await disk.syncFolder(folder);
  return { producers, snapshots };
}

/** All that ended in batches at or beyond the offset up to which the producers are known. */
async function endedIn(
  segments: readonly Segment[],
  { producers, offset }: { producers: ProducerState; offset: Offset },
  replaying: Omit<Replaying, 'onEnded'>,
): Promise<EndedTransaction[]> {
  const ended: EndedTransaction[] = [];
  let knownTo = offset;
  for (const segment of segments)
    if (segment.nextOffset > offset)
      knownTo = await replay(segment, knownTo, producers, { ...replaying, onEnded: (one) => void ended.push(one) });
  return ended;
}

/** By their offsets, ascending. */
export const snapshotsIn = (disk: Disk, folder: string): Offset[] =>
  (disk.list(folder) ?? []).flatMap(({ name }) => offsetsIn(name, 'snapshot'));

interface Loading {
  readonly disk: Disk;
  readonly folder: string;
  readonly logger: Logger;
  readonly nowMs: number;
}

/** Of these snapshots the newest that can be read; without one nothing is known at offset 0. */
export function loadNewest(
  { disk, folder, logger, nowMs }: Loading,
  offsets: readonly Offset[],
): { producers: ProducerState; offset: Offset } {
  for (const offset of offsets.toReversed()) {
    const producers = loadSnapshot(disk, snapshotPath(folder, offset), nowMs, logger);
    if (producers !== undefined) return { producers, offset };
  }
  return { producers: new ProducerState(), offset: Offset(0) };
}

/** Without producers only the sync is missing: the file is right, but perhaps only in the page cache. */
async function saveSnapshot(
  disk: Disk,
  folder: string,
  offset: Offset,
  producers: ProducerState | undefined,
): Promise<void> {
  const file = new LogFile(disk, snapshotPath(folder, offset), producers !== undefined);
  if (producers !== undefined) file.append(formatSnapshot(producers));
  file.distrust();
  await file.sync();
  file.close();
}

const isBase = (segments: readonly Segment[], offset: Offset): boolean =>
  segments.some((segment) => segment.baseOffset === offset);

function loadSnapshot(disk: Disk, path: string, nowMs: number, logger: Logger): ProducerState | undefined {
  const file = new LogFile(disk, path, false);
  const bytes = Buffer.alloc(file.sizeBytes);
  file.read(0, bytes);
  file.close();
  try {
    return parseSnapshot(bytes, nowMs);
  } catch (failure) {
    if (!(failure instanceof MalformedMessage)) throw failure;
    logger.warn(
      { path },
      `producer snapshot ${path}: ${failure.message}; using an older one and reading more of the log`,
    );
    return undefined;
  }
}

export interface Replaying {
  readonly nowMs: number;
  readonly clock: Clock;
  readonly onEnded?: (transaction: EndedTransaction) => void;
}

/** Applies the batches from an offset on. Resolves with the offset up to which the producers are known then. */
export async function replay(
  segment: Segment,
  from: Offset,
  producers: ProducerState,
  { nowMs, clock, onEnded }: Replaying,
): Promise<Offset> {
  let least = Offset(0);
  let knownTo = from;
  await scanInTurns(clock, segment.log, segment.offsets.floor(from)?.position ?? 0, {
    visit: (batch, position) => {
      const flaw = segment.flawOf(batch, position, least, segment.nextOffset);
      if (flaw !== undefined) return flaw;
      least = batch.nextOffset;
      if (batch.baseOffset < from) return undefined;
      if (batch.baseOffset > knownTo) producers.markIncomplete();
      const ended = producers.apply(batch, nowMs);
      if (ended !== undefined) onEnded?.(ended);
      knownTo = batch.nextOffset;
      return undefined;
    },
    onFlaw: (position) => findIntact(segment.log, position + 1, least),
  });
  return knownTo;
}
