// Where a follower cuts its log that has parted from its leader's (KIP-101, KIP-279, KIP-595): decided by epochs, never by
// the high watermark.
import { Offset } from '@milepost/core';
import type { EpochEnd, Log } from '@milepost/log';

/**
 * `diverging`: the largest epoch that the leader has, up to the follower's last one, and where it ends there. A follower that
 * does not know this epoch cuts back to the end of an earlier one, and learns of the next divergence by its next fetch.
 */
export function truncationOffset(
  log: Pick<Log, 'endOffsetForEpoch' | 'logEndOffset'>,
  { epoch, endOffset }: EpochEnd,
): Offset {
  const own = log.endOffsetForEpoch(epoch);
  if (own === undefined) return Offset(Math.min(endOffset, log.logEndOffset));
  return Offset(own.epoch === epoch ? Math.min(own.endOffset, endOffset, log.logEndOffset) : own.endOffset);
}
