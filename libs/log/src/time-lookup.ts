// Finds records by their timestamp. Timestamps need not ascend: the result for a time is the first record in offset
// order with that or a later timestamp. Batches are selected by their headers; only the one with the result is
// unpacked, in steps where it is large.
import { MalformedMessage, Offset, Timestamp } from '@milepost/core';
import {
  atOnce,
  inSteps,
  RecordBatch,
  RecordCursor,
  STEP_RECORDS,
  type Stepping,
  type Steps,
  UNPACKED_LIMIT_BYTES,
  UnpacksToMore,
} from '@milepost/records';
import { MAX_TIMESTAMP, type SearchTarget, type TimestampedOffset, UNPACKS_TO_MORE } from './outcomes.ts';
import { flawOf } from './integrity/flaws.ts';
import { findIntact, STOP, scan } from './integrity/scan.ts';
import type { Segment } from './segment.ts';

export interface OffsetRange {
  readonly from: Offset;
  /** Exclusive. */
  readonly upTo: Offset;
}

/**
 * The first record in the range whose timestamp is at or after the target, or that has the largest timestamp of all.
 * UNPACKS_TO_MORE: it may be in a batch that unpacks to more than `unpackBytes`.
 */
export function search(
  segments: readonly Segment[],
  target: SearchTarget,
  range: OffsetRange,
  unpackBytes = UNPACKED_LIMIT_BYTES,
): TimestampedOffset | typeof UNPACKS_TO_MORE | undefined {
  const timestamp = target === MAX_TIMESTAMP ? largestTimestamp(segments, range) : target;
  const found = timestamp === undefined ? undefined : firstAtOrAfter(segments, timestamp, range, unpackBytes);
  return found instanceof LargeBatch ? UNPACKS_TO_MORE : found;
}

/** The least limit that zlib knows; no record is that short. */
const NOTHING_AT_ONCE = 1;

/** As `search`, but other work has its turn while a batch is unpacked and its records are looked at. */
export async function searchInSteps(
  segments: () => readonly Segment[],
  target: SearchTarget,
  range: OffsetRange,
  stepping: Stepping,
): Promise<TimestampedOffset | undefined> {
  const timestamp = target === MAX_TIMESTAMP ? largestTimestamp(segments(), range) : target;
  if (timestamp === undefined) return undefined;
  for (let { from } = range; ; ) {
    const left = { from, upTo: range.upTo };
    const found = firstAtOrAfter(segments(), timestamp, left, NOTHING_AT_ONCE);
    if (!(found instanceof LargeBatch)) return found;
    const record = await firstInSteps(found.batch, timestamp, left, stepping);
    if (record) return record;
    from = found.batch.nextOffset;
  }
}

/** A batch that may hold the record, but unpacks to more than the limit. Its bytes are a copy. */
class LargeBatch {
  readonly batch: RecordBatch;
  constructor(batch: RecordBatch) {
    this.batch = RecordBatch.at(Buffer.from(batch.bytes), 0) as RecordBatch;
  }
}

function firstAtOrAfter(
  segments: readonly Segment[],
  target: number,
  range: OffsetRange,
  unpackBytes: number,
): TimestampedOffset | LargeBatch | undefined {
  for (const segment of segments) {
    if (segment.baseOffset >= range.upTo) return undefined;
    if (segment.nextOffset <= range.from || segment.largest.timestamp < target) continue;
    const start = segment.startFor(Offset(Math.max(segment.skipTo(target), range.from)));
    const found = firstInSegment(segment, start, target, range, unpackBytes);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function firstInSteps(
  batch: RecordBatch,
  target: number,
  range: OffsetRange,
  stepping: Stepping,
): Promise<TimestampedOffset | undefined> {
  try {
    return await inSteps(walkTo(batch, await batch.unpackInSteps(stepping), target, range), stepping);
  } catch (failure) {
    return ofUnreadable(batch, failure);
  }
}

/** Of the records in the range; undefined: there are none. */
function largestTimestamp(segments: readonly Segment[], range: OffsetRange): number | undefined {
  let largest = -1;
  for (const segment of segments)
    if (segment.nextOffset > range.from && segment.baseOffset < range.upTo)
      largest = Math.max(largest, largestBelow(segment, range.upTo));
  return largest < 0 ? undefined : largest;
}

function firstInSegment(
  segment: Segment,
  start: number,
  target: number,
  range: OffsetRange,
  unpackBytes: number,
): TimestampedOffset | LargeBatch | undefined {
  let found: TimestampedOffset | LargeBatch | undefined;
  let least = segment.baseOffset;
  scan(segment.log, start, {
    visit: (batch) => {
      if (batch.baseOffset >= range.upTo) return STOP;
      if (batch.nextOffset <= range.from || batch.maxTimestamp < target) return undefined;
      const flaw = flawOf(batch, least);
      if (flaw !== undefined) return flaw;
      least = batch.nextOffset;
      found = firstInBatch(batch, target, range, unpackBytes);
      return found && STOP;
    },
    onFlaw: (position) => findIntact(segment.log, position + 1, least),
  });
  return found;
}

function firstInBatch(
  batch: RecordBatch,
  target: number,
  range: OffsetRange,
  unpackBytes: number,
): TimestampedOffset | LargeBatch | undefined {
  try {
    return atOnce(walkTo(batch, batch.unpack(unpackBytes), target, range));
  } catch (failure) {
    if (failure instanceof UnpacksToMore && unpackBytes < UNPACKED_LIMIT_BYTES) return new LargeBatch(batch);
    return ofUnreadable(batch, failure);
  }
}

/** No client can read the batch either. */
function ofUnreadable({ baseOffset, maxTimestamp, leaderEpoch }: RecordBatch, failure: unknown): TimestampedOffset {
  if (!(failure instanceof MalformedMessage)) throw failure;
  return { offset: baseOffset, timestamp: maxTimestamp, leaderEpoch };
}

function* walkTo(
  batch: RecordBatch,
  bytes: Buffer,
  target: number,
  { from, upTo }: OffsetRange,
): Steps<TimestampedOffset | undefined> {
  const { leaderEpoch } = batch;
  const appendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : undefined;
  const cursor = new RecordCursor().begin(bytes, batch.recordCount);
  while (cursor.next()) {
    const offset = Offset(batch.baseOffset + cursor.offsetDelta);
    const timestamp = appendTime ?? Timestamp(batch.baseTimestamp + cursor.timestampDelta);
    if (timestamp >= target && offset >= from && offset < upTo) return { offset, timestamp, leaderEpoch };
    if (cursor.index % STEP_RECORDS === STEP_RECORDS - 1) yield;
  }
  return undefined;
}

function largestBelow(segment: Segment, upTo: Offset): number {
  if (segment.largest.offset < upTo) return segment.largest.timestamp;
  const known = segment.times.lastBelow(upTo);
  let largest: number = known?.timestamp ?? -1;
  scan(segment.log, segment.startFor(known?.offset ?? segment.baseOffset), {
    visit: (batch) => {
      if (batch.nextOffset > upTo) return STOP;
      if (batch.recordCount > 0) largest = Math.max(largest, batch.maxTimestamp);
      return undefined;
    },
    onFlaw: () => undefined,
  });
  return largest;
}
