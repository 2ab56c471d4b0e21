// Finds records by their timestamp. Timestamps need not ascend: the result for a time is the first record in offset
// order with that or a later timestamp. Batches are selected by their headers; only the one with the result is
// unpacked.
import { MalformedMessage, type Offset, Offset as offsetOf } from '@milepost/core';
import type { LogRecord, RecordBatch } from '@milepost/records';
import type { TimestampedOffset } from './outcomes.ts';
import { flawOf } from './integrity/flaws.ts';
import { findIntact, STOP, scan } from './integrity/scan.ts';
import type { Segment } from './segment.ts';

export interface OffsetRange {
  readonly from: Offset;
  /** Exclusive. */
  readonly upTo: Offset;
}

/** The first record in the range whose timestamp is at or after the target. */
export function firstAtOrAfter(
  segments: readonly Segment[],
  target: number,
  range: OffsetRange,
): TimestampedOffset | undefined {
  for (const segment of segments) {
    if (segment.baseOffset >= range.upTo) return undefined;
    if (segment.nextOffset <= range.from || segment.largest.timestamp < target) continue;
    const start = segment.startFor(offsetOf(Math.max(segment.skipTo(target), range.from)));
    const found = firstInSegment(segment, start, target, range);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The first record in the range that has the largest timestamp of all in it. */
export function largestTimestamp(segments: readonly Segment[], range: OffsetRange): TimestampedOffset | undefined {
  let largest = -1;
  for (const segment of segments)
    if (segment.nextOffset > range.from && segment.baseOffset < range.upTo)
      largest = Math.max(largest, largestBelow(segment, range.upTo));
  return largest < 0 ? undefined : firstAtOrAfter(segments, largest, range);
}

function firstInSegment(
  segment: Segment,
  start: number,
  target: number,
  range: OffsetRange,
): TimestampedOffset | undefined {
  let found: TimestampedOffset | undefined;
  let least = segment.baseOffset;
  scan(segment.log, start, {
    visit: (batch) => {
      if (batch.baseOffset >= range.upTo) return STOP;
      if (batch.nextOffset <= range.from || batch.maxTimestamp < target) return undefined;
      const flaw = flawOf(batch, least);
      if (flaw !== undefined) return flaw;
      least = batch.nextOffset;
      found = firstInBatch(batch, target, range);
      return found && STOP;
    },
    onFlaw: (position) => findIntact(segment.log, position + 1, least),
  });
  return found;
}

function firstInBatch(batch: RecordBatch, target: number, range: OffsetRange): TimestampedOffset | undefined {
  const { leaderEpoch } = batch;
  try {
    for (const { offset, timestamp } of batch.records() as Iterable<LogRecord>)
      if (timestamp >= target && offset >= range.from && offset < range.upTo) return { offset, timestamp, leaderEpoch };
    return undefined;
  } catch (failure) {
    if (!(failure instanceof MalformedMessage)) throw failure;
    return { offset: batch.baseOffset, timestamp: batch.maxTimestamp, leaderEpoch }; // no client can read it either
  }
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
