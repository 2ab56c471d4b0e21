// How dirty a compacted log is, and how far it may be cleaned, by the rules of Apache Kafka 4.3.
//
// Never beyond the active segment, the last stable offset, the flushed offset, or a segment that has a record younger
// than min.compaction.lag.ms.
import { Offset } from '@milepost/core';
import type { LogConfig } from './log-config.ts';
import type { Segment } from './segment.ts';

export interface LogToJudge {
  readonly segments: readonly Segment[];
  readonly config: LogConfig;
  readonly logStartOffset: Offset;
  /** Exclusive: the end of what was cleaned before. */
  readonly cleanedUpTo: Offset;
  /** Records from this offset on are not final. */
  readonly stableOffset: Offset;
}

export interface Cleanable {
  readonly firstDirtyOffset: Offset;
  /** The base offset of a segment. */
  readonly firstUncleanableOffset: Offset;
  readonly cleanableBytes: number;
  /** Cleanable bytes divided by all bytes that are clean or cleanable. */
  readonly dirtyRatio: number;
  /** By its ratio or by max.compaction.lag.ms. */
  readonly isDue: boolean;
}

export function cleanableOf(log: LogToJudge, now: number): Cleanable {
  const { config, segments } = log;
  const firstDirtyOffset = Offset(Math.max(log.cleanedUpTo, log.logStartOffset));
  const active = segments.length - 1;
  let uncleanable = segments.findIndex(
    (segment, n) =>
      n === active || segment.nextOffset > log.stableOffset || isTooYoung(segment, firstDirtyOffset, config, now),
  );
  if (uncleanable < 0) uncleanable = active;
  const firstUncleanableOffset = (segments[uncleanable] as Segment).baseOffset;
  const cleanable = segments.slice(0, uncleanable).filter((segment) => segment.nextOffset > firstDirtyOffset);
  const cleanBytes = bytesOf(segments.slice(0, uncleanable).filter((segment) => segment.baseOffset < firstDirtyOffset));
  const cleanableBytes = bytesOf(cleanable);
  const dirtyRatio = cleanableBytes === 0 ? 0 : cleanableBytes / (cleanBytes + cleanableBytes);
  const isDue = cleanableBytes > 0 && (dirtyRatio > config.minCleanableDirtyRatio || isOverdue(cleanable, config, now));
  return { firstDirtyOffset, firstUncleanableOffset, cleanableBytes, dirtyRatio, isDue };
}

/** Only dirty segments are checked for their age. */
function isTooYoung(segment: Segment, firstDirtyOffset: Offset, config: LogConfig, now: number): boolean {
  return (
    config.minCompactionLagMs > 0 &&
    segment.nextOffset > firstDirtyOffset &&
    segment.largest.timestamp > now - config.minCompactionLagMs
  );
}

function isOverdue(dirty: readonly Segment[], { maxCompactionLagMs }: LogConfig, now: number): boolean {
  return dirty.some(({ firstTimestamp = 0 }) => firstTimestamp > 0 && firstTimestamp < now - maxCompactionLagMs);
}

const bytesOf = (segments: readonly Segment[]): number => segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

/** Adjacent segments that fit into one segment are cleaned into one. */
export function groupsOf(segments: readonly Segment[], config: LogConfig): Segment[][] {
  const groups: Segment[][] = [];
  let sizeBytes = 0;
  let indexBytes = 0;
  let timeIndexBytes = 0;
  for (const segment of segments) {
    const group = groups.at(-1);
    sizeBytes += segment.sizeBytes;
    indexBytes += segment.offsets.entries.sizeBytes;
    timeIndexBytes += segment.times.entries.sizeBytes;
    const fits =
      group !== undefined &&
      sizeBytes <= config.segmentBytes &&
      indexBytes <= config.segmentIndexBytes &&
      timeIndexBytes <= config.segmentIndexBytes &&
      segment.nextOffset - 1 - (group[0] as Segment).baseOffset <= 0x7fff_ffff;
    if (fits) group.push(segment);
    else {
      groups.push([segment]);
      sizeBytes = segment.sizeBytes;
      indexBytes = segment.offsets.entries.sizeBytes;
      timeIndexBytes = segment.times.entries.sizeBytes;
    }
  }
  return groups;
}
