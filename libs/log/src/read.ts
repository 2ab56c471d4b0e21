// Reads whole batches out of a segment, verbatim, from the one that contains an offset. Every batch is checked before it is
// served: a consumer gets the good ones before a broken one, then the broken one's name and place, and never its bytes.
import type { Offset } from '@milepost/core';
import { batchesOf } from '@milepost/records';
import type { Damage } from './scan.ts';
import type { BatchPlace, Segment } from './segment.ts';

export interface ReadOptions {
  readonly maxBytes: number;
  /** Exclusive: nothing at or beyond it is answered. */
  readonly upTo: Offset;
  /** The first batch is answered even when it is larger than `maxBytes` (KIP-74). */
  readonly atLeastOneBatch: boolean;
}

export const NO_RECORDS = Buffer.alloc(0);

/** Undefined where the segment ends before the offset, as one may that was compacted. */
export function readBatches(segment: Segment, from: Offset, options: ReadOptions): Buffer | Damage | undefined {
  const first = seek(segment, from);
  if (first === undefined || 'flaw' in first) return first;
  const { position, sizeBytes } = first;
  const allowed = options.atLeastOneBatch ? Math.max(options.maxBytes, sizeBytes) : options.maxBytes;
  if (allowed < sizeBytes) return NO_RECORDS;

  const buffer = Buffer.allocUnsafeSlow(Math.min(allowed, segment.sizeBytes - position));
  const length = segment.log.read(position, buffer);
  let end = 0;
  let least = first.least;
  for (const batch of batchesOf(buffer.subarray(0, length))) {
    const flaw = segment.flawOf(batch, position + batch.position, least, segment.nextOffset);
    if (flaw !== undefined) {
      if (end > 0) break;
      return { path: segment.path, position, flaw };
    }
    if (batch.lastOffset >= options.upTo) break;
    end += batch.sizeBytes;
    least = batch.nextOffset;
  }
  if (end > 0) segment.readEnds.remember(least, position + end);
  return buffer.subarray(0, end);
}

interface Found extends BatchPlace {
  /** Where the batch before it ends, as far as known. */
  readonly least: Offset;
}

/** The batch that contains the offset, or the first one beyond it. */
export function seek(segment: Segment, from: Offset): Found | Damage | undefined {
  const resumed = segment.readEnds.at(from);
  const next = resumed === undefined ? undefined : segment.placeAt(resumed);
  if (next !== undefined && next.baseOffset === from) return { ...next, least: from };
  const hint = segment.offsets.floor(from);
  const first = segment.placeAt(hint?.position ?? 0);
  const isAsHinted = hint === undefined || first?.lastOffset === hint.offset;
  if (!isAsHinted && segment.rebuildIndexes()) return seek(segment, from);
  let place = first;
  let least = hint === undefined ? segment.baseOffset : (first?.baseOffset ?? segment.baseOffset);
  let position = hint?.position ?? 0;
  while (position < segment.sizeBytes) {
    if (place === undefined) return { path: segment.path, position, flaw: 'no whole batch' };
    if (place.baseOffset < least)
      return { path: segment.path, position, flaw: `base offset ${place.baseOffset}, expected ${least}` };
    if (place.lastOffset >= from) return { ...place, least };
    least = (place.lastOffset + 1) as Offset;
    position += place.sizeBytes;
    place = segment.placeAt(position);
  }
  return undefined;
}
