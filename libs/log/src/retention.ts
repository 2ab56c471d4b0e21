// The segments that retention deletes: from the oldest on, those below the log's start, too old, or beyond the size
// limit.
import type { Offset } from '@milepost/core';
import type { LogConfig } from './log-config.ts';
import type { Segment } from './segment.ts';

/** The number of oldest segments to delete. If that is all of them, the active one must be rolled first. */
export function expiredCount(
  segments: readonly Segment[],
  config: LogConfig,
  now: number,
  logStartOffset: Offset,
): number {
  const isBelowStart = (n: number) => (segments[n + 1]?.baseOffset ?? Number.POSITIVE_INFINITY) <= logStartOffset;
  const isTooOld = (segment: Segment) =>
    config.delete &&
    config.retentionMs >= 0 &&
    segment.sizeBytes > 0 &&
    segment.youngestMs >= 0 &&
    now - segment.youngestMs > config.retentionMs;
  let excessBytes =
    config.delete && config.retentionBytes >= 0
      ? segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) - config.retentionBytes
      : Number.NEGATIVE_INFINITY;

  for (const [n, segment] of segments.entries()) {
    const isTooMuch = segment.sizeBytes > 0 && excessBytes >= segment.sizeBytes;
    if (!isBelowStart(n) && !isTooOld(segment) && !isTooMuch) return n;
    excessBytes -= segment.sizeBytes;
  }
  return segments.length;
}
