// What tells a batch from what only looks like one. A flaw is a text: what is wrong, for a log line; no flaw is undefined.
//
// The CRC covers a batch from its attributes on. The 21 bytes before it are Kafka's format too, and nothing covers them:
//
//   base offset 8 | length 4 | leader epoch 4 | magic 1 | crc 4 | attributes … records (covered)
//
// So each of them is held against what surrounds the batch:
//
//   flaw of …       judged by                                          function             used by
//   length          a whole batch must fit in the file                 `scan` (scan.ts)     every walk
//   magic           2                                                  `headerFlawOf`       every walk and read
//   records         the CRC                                            `flawOf`             every walk; a read, once (verified.ts)
//   base offset     not below the end of the batch before              `headerFlawOf`       every walk and read
//                   and the batch not beyond the start of the next     `placeFlawOf`        `Segment.flawOf`
//   leader epoch    never descends; one is not right against both      `epochFlawOf`        recovery; a read, once
//                   of its neighbors
//   a segment's end where the next segment begins                      recovery.ts          a start
//
// A gap between two batches is no flaw: compaction leaves gaps.
//
// Where a flaw is found, the rest depends on who found it. A reader gets the good batches before it, then CORRUPT_MESSAGE
// with path and position (read.ts, damage-reports.ts), and goes on at any offset behind it. A start keeps it in its place
// where something intact follows, else cuts it off as a torn tail (recovery.ts). A walk that must not stop goes on at the
// next intact batch, searched byte by byte (`findIntact`, scan.ts). The cleaner leaves such a log alone (compaction.ts).
// An index or a snapshot with a flaw is rebuilt from the batches (segment.ts, producer-recovery.ts). A failed sync is a
// flaw of everything that it covered (failed-sync.ts).
import { type LeaderEpoch, NO_LEADER_EPOCH, type Offset } from '@milepost/core';
import { crc32c, type RecordBatch } from '@milepost/records';

/** A place where something else stands than the batch that must stand there. */
export interface Damage {
  readonly path: string;
  readonly position: number;
  readonly flaw: string;
}

export const describeDamage = ({ path, position, flaw }: Damage): string => `batch at ${position} of ${path}: ${flaw}`;

const CRC_FROM = 21;

/** Of the batch that follows one that ends at `least`. */
export function flawOf(batch: RecordBatch, least: Offset): string | undefined {
  const flaw = headerFlawOf(batch, least);
  if (flaw !== undefined) return flaw;
  if (!batch.isIntact()) return `crc ${hex(batch.crc)}, expected ${hex(crc32c(batch.bytes.subarray(CRC_FROM)))}`;
  return undefined;
}

/** What can be seen without reading the records. */
export function headerFlawOf(batch: RecordBatch, least: Offset): string | undefined {
  if (batch.magic !== 2) return `magic ${batch.magic}, expected 2`;
  if (batch.baseOffset < least) return `base offset ${batch.baseOffset}, expected ${least}`;
  return undefined;
}

/** `next`: where the next batch begins, or the segment ends. A turned bit in a base offset looks like a gap until there. */
export function placeFlawOf(batch: RecordBatch, least: Offset, next: Offset): string | undefined {
  return batch.baseOffset > least && batch.nextOffset > next
    ? `base offset ${batch.baseOffset}, expected ${least}`
    : undefined;
}

/** `expected`: the epoch of the batch before, or what the history says. `next`: of the batch behind, as far as known. */
export function epochFlawOf(
  { leaderEpoch }: RecordBatch,
  expected: LeaderEpoch,
  next: LeaderEpoch | undefined,
): string | undefined {
  if (leaderEpoch === expected || expected === NO_LEADER_EPOCH || next === leaderEpoch) return undefined;
  const isAlone = leaderEpoch < expected || (next !== undefined && next < leaderEpoch);
  return isAlone ? `leader epoch ${leaderEpoch}, expected ${expected}` : undefined;
}

const hex = (crc: number): string => crc.toString(16).padStart(8, '0');
