// Distinguishes a batch from bytes that only look like one. A flaw is a text for a log line; undefined means no flaw.
//
// The CRC covers a batch from its attributes on. The 21 bytes before it are Kafka's format too, and no checksum covers
// them:
//
//   base offset 8 | length 4 | leader epoch 4 | magic 1 | crc 4 | attributes … records (covered)
//
// So each of their fields is compared with what surrounds the batch:
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
// What follows depends on which part finds the flaw. A reader gets the good batches before it, then CORRUPT_MESSAGE
// with path and position (read.ts, damage-reports.ts), and continues at any offset after it. A start retains a flawed
// batch in place where something intact follows, and otherwise cuts it off as a torn tail (recovery.ts). A walk that
// must not stop continues at the next intact batch, which is searched byte by byte (`findIntact`, scan.ts). The cleaner
// does not clean such a log (compaction.ts). An index or a snapshot with a flaw is rebuilt from the batches
// (segment.ts, producer-recovery.ts). A failed sync is a flaw of everything that it covered (failed-sync.ts).
import { type LeaderEpoch, NO_LEADER_EPOCH, type Offset } from '@milepost/core';
import { crc32c, type RecordBatch } from '@milepost/records';

/** A position that should hold an intact batch and does not. */
export interface Damage {
  readonly path: string;
  readonly position: number;
  readonly flaw: string;
}

export const describeDamage = ({ path, position, flaw }: Damage): string => `batch at ${position} of ${path}: ${flaw}`;

const CRC_FROM = 21;

/** The flaw of a batch whose predecessor ends at `least`. */
export function flawOf(batch: RecordBatch, least: Offset): string | undefined {
  const flaw = headerFlawOf(batch, least);
  if (flaw !== undefined) return flaw;
  if (!batch.isIntact()) return `crc ${hex(batch.crc)}, expected ${hex(crc32c(batch.bytes.subarray(CRC_FROM)))}`;
  return undefined;
}

/** The flaws that can be found without reading the records. */
export function headerFlawOf(batch: RecordBatch, least: Offset): string | undefined {
  if (batch.magic !== 2) return `magic ${batch.magic}, expected 2`;
  if (batch.baseOffset < least) return `base offset ${batch.baseOffset}, expected ${least}`;
  return undefined;
}

/**
 * `next`: where the next batch begins, or the segment ends. A flipped bit in a base offset looks like a gap up to
 * there.
 */
export function placeFlawOf(batch: RecordBatch, least: Offset, next: Offset): string | undefined {
  return batch.baseOffset > least && batch.nextOffset > next
    ? `base offset ${batch.baseOffset}, expected ${least}`
    : undefined;
}

/** `expected`: the epoch of the previous batch, or of the history. `next`: that of the following batch, if known. */
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
