// The batches of a share fetch: which of them nobody may see, and the part of what was read that is sent. Pure.
import type { AcquiredRecords } from '@milepost/coordinators';
import type { RecordBatch } from '@milepost/records';

export interface AbortedRange {
  readonly producerId: bigint;
  readonly firstOffset: number;
  /** Of the marker. */
  readonly lastOffset: number;
}

export const isAborted = (batch: RecordBatch, aborted: readonly AbortedRange[]): boolean =>
  batch.isTransactional &&
  !batch.isControl &&
  aborted.some(
    ({ producerId, firstOffset, lastOffset }) =>
      producerId === batch.producerId && firstOffset <= batch.baseOffset && batch.lastOffset < lastOffset,
  );

/** What is left of the ranges without these offsets. */
export function without(ranges: readonly AcquiredRecords[], first: number, last: number): AcquiredRecords[] {
  return ranges.flatMap((range) => {
    if (range.last < first || range.first > last) return [range];
    const before = range.first < first ? [{ ...range, last: first - 1 }] : [];
    const after = range.last > last ? [{ ...range, first: last + 1 }] : [];
    return [...before, ...after];
  });
}

/** The batches that the ranges reach into: bytes of `records`, not a copy. */
export function coveredBytes(
  records: Buffer,
  batches: readonly RecordBatch[],
  ranges: readonly AcquiredRecords[],
): Buffer {
  const [first, last] = [ranges[0]?.first ?? 0, ranges.at(-1)?.last ?? -1];
  const covered = batches.filter(({ baseOffset, lastOffset }) => lastOffset >= first && baseOffset <= last);
  const end = covered.at(-1);
  return end ? records.subarray(covered[0]?.position, end.position + end.sizeBytes) : records.subarray(0, 0);
}
