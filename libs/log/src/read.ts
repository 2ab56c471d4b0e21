// Reads whole batches out of a segment, verbatim, from the one that contains an offset on. Every batch is checked
// before it is first served (`integrity/verified.ts`): a consumer gets the good ones before a broken one, then an error
// with the broken one's position, and never its bytes.
import type { LeaderEpoch, Offset } from '@milepost/core';
import { batchesOf, type RecordBatch } from '@milepost/records';
import { type Damage, headerFlawOf } from './integrity/flaws.ts';
import { findIntact, scan, STOP } from './integrity/scan.ts';
import type { BatchPlace, Segment } from './segment.ts';

export interface ReadOptions {
  readonly maxBytes: number;
  /** Exclusive: no batch at or beyond it is returned. */
  readonly upTo: Offset;
  /** The first batch is returned even when it is larger than `maxBytes` (KIP-74). */
  readonly atLeastOneBatch: boolean;
  /** Allocates memory to read into: at least this many bytes, with any content. Absent: the reader allocates it. */
  readonly allocate?: (sizeBytes: number) => Buffer;
}

export const NO_RECORDS = Buffer.alloc(0);

/** What is needed to check whether a batch is as it was written. */
export interface Checks {
  readonly nowMs: number;
  readonly epochAt: (offset: Offset) => LeaderEpoch;
}

/** Undefined if the segment ends before the offset, which is possible after compaction. */
export function readBatches(
  segment: Segment,
  from: Offset,
  options: ReadOptions,
  checks: Checks,
): Buffer | Damage | undefined {
  const first = seek(segment, from);
  if (first === undefined) return undefined;
  const found = 'flaw' in first ? first : readFrom(segment, first, options, checks);
  if (found === undefined || Buffer.isBuffer(found)) return found;
  const behind = seekIntact(segment, from);
  return behind === undefined ? found : readFrom(segment, behind, options, checks);
}

function readFrom(segment: Segment, first: Found, options: ReadOptions, checks: Checks): Buffer | Damage {
  const { position, sizeBytes } = first;
  const allowed = options.atLeastOneBatch ? Math.max(options.maxBytes, sizeBytes) : options.maxBytes;
  if (allowed < sizeBytes) return NO_RECORDS;

  const wanted = Math.min(allowed, segment.sizeBytes - position);
  const buffer = options.allocate?.(wanted).subarray(0, wanted) ?? Buffer.allocUnsafeSlow(wanted);
  const length = segment.log.read(position, buffer);
  const verifiedEnd = segment.verified.end(position, checks.nowMs) - position;
  let end = 0;
  let least = first.least;
  let epoch: LeaderEpoch | undefined;
  for (const batch of batchesOf(buffer.subarray(0, length))) {
    const at = position + end;
    const behind = end + batch.sizeBytes;
    const flaw = behind <= verifiedEnd ? headerFlawOf(batch, least) : flawOf(segment, batch, at, least, checks, epoch);
    if (flaw !== undefined) {
      if (end > 0) break;
      return { path: segment.path, position, flaw };
    }
    const { nextOffset } = batch;
    if (nextOffset > options.upTo) break;
    end = behind;
    least = nextOffset;
    epoch = batch.leaderEpoch;
  }
  if (end > 0) {
    segment.readEnds.remember(least, position + end);
    if (end > verifiedEnd) segment.verified.add(position, position + end);
  }
  return buffer.subarray(0, end);
}

/** `lastEpoch`: that of the previous batch, which saves the search. */
function flawOf(
  segment: Segment,
  batch: RecordBatch,
  position: number,
  least: Offset,
  { epochAt }: Checks,
  lastEpoch: LeaderEpoch | undefined,
): string | undefined {
  const expected = batch.leaderEpoch === lastEpoch ? lastEpoch : epochAt(batch.baseOffset);
  return (
    segment.flawOf(batch, position, least, segment.nextOffset) ??
    segment.flawOfEpoch(batch, position, { expected, behind: expected })
  );
}

interface Found extends BatchPlace {
  /** The end of the previous batch, if known. */
  readonly least: Offset;
}

/** The batch that contains the offset, or the first one beyond it. */
export function seek(segment: Segment, from: Offset): Found | Damage | undefined {
  const resumed = segment.readEnds.at(from);
  const next = resumed === undefined ? undefined : segment.placeAt(resumed);
  if (next !== undefined && next.baseOffset === from) return { ...next, least: from };
  const start = segment.startFor(from);
  return walk(segment, from, start, segment.placeAt(start)?.baseOffset ?? segment.baseOffset);
}

/** A damaged header may lead past the offset: repeats the walk from one intact batch to the next. */
function seekIntact(segment: Segment, from: Offset): Found | undefined {
  const start = segment.startFor(from);
  let least = start === 0 ? segment.baseOffset : (segment.placeAt(start)?.baseOffset ?? segment.baseOffset);
  let found: Found | undefined;
  scan(segment.log, start, {
    visit: (batch, position) => {
      const flaw = segment.flawOf(batch, position, least, segment.nextOffset);
      if (flaw !== undefined) return flaw;
      least = batch.nextOffset;
      if (batch.lastOffset < from) return undefined;
      const place = batch.baseOffset <= from ? segment.placeAt(position) : undefined;
      found = place && { ...place, least: place.baseOffset };
      return STOP;
    },
    onFlaw: (position) => findIntact(segment.log, position + 1, least),
  });
  return found;
}

function walk(segment: Segment, from: Offset, start: number, atLeast: Offset): Found | Damage | undefined {
  let least = start === 0 ? segment.baseOffset : atLeast;
  let position = start;
  while (position < segment.sizeBytes) {
    const place = segment.placeAt(position);
    if (place === undefined) return { path: segment.path, position, flaw: 'no whole batch' };
    if (place.baseOffset < least)
      return { path: segment.path, position, flaw: `base offset ${place.baseOffset}, expected ${least}` };
    if (place.lastOffset >= from) return { ...place, least };
    least = (place.lastOffset + 1) as Offset;
    position += place.sizeBytes;
  }
  return undefined;
}
