// Whether an index of aborted transactions agrees with the batches: it has no checksum, and a bit that turned in it would
// show aborted records to readers with read_committed, or hide committed ones.
//
// Each entry names batches: the marker, the first batch of its transaction, and, where another transaction was open when it
// ended, the first batch of that one. What the cleaner or a deletion has removed says nothing. Not recognized: an index that
// ends early on a whole entry, and a first offset that turned into that of a later batch of the same transaction.
import type { Offset } from '@milepost/core';
import { BATCH_HEADER_BYTES, BATCH_PREFIX_BYTES, RecordBatch } from '@milepost/records';
import { seek } from '../read.ts';
import type { Segment } from '../segment.ts';

/** Of each segment only the newest entries are checked: a start must not take minutes. */
const MOST_CHECKED = 1_000;

/** Reads headers of batches. @throws DiskFailed */
export function agreesWithBatches(segment: Segment, segments: readonly Segment[]): boolean {
  return segment.newestAborted(MOST_CHECKED).every(({ producerId, firstOffset, lastOffset, lastStableOffset }) => {
    const marker = headerAt(segment, lastOffset);
    if (marker?.baseOffset !== lastOffset || !marker.isControl || marker.producerId !== producerId) return false;
    const isOfProducer = (first: RecordBatch): boolean => first.producerId === producerId;
    const isOfAnother = (first: RecordBatch): boolean => first.producerId !== producerId;
    return (
      beginsTransaction(segments, firstOffset, isOfProducer) &&
      (lastStableOffset === lastOffset + 1 || beginsTransaction(segments, lastStableOffset, isOfAnother))
    );
  });
}

function beginsTransaction(
  segments: readonly Segment[],
  offset: Offset,
  isRight: (batch: RecordBatch) => boolean,
): boolean {
  const segment = segments.findLast(({ baseOffset }) => baseOffset <= offset);
  const batch = segment && headerAt(segment, offset);
  if (batch === undefined || batch.baseOffset > offset) return true; // removed
  return batch.baseOffset === offset && batch.isTransactional && !batch.isControl && isRight(batch);
}

/** The header of the batch that contains the offset, or of the next one. */
function headerAt(segment: Segment, offset: Offset): RecordBatch | undefined {
  const place = seek(segment, offset);
  if (place === undefined || 'flaw' in place) return undefined;
  const header = Buffer.alloc(BATCH_HEADER_BYTES);
  segment.log.read(place.position, header);
  header.writeInt32BE(BATCH_HEADER_BYTES - BATCH_PREFIX_BYTES, 8); // without its records
  return RecordBatch.at(header, 0);
}
