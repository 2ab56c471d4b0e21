// What compaction retains of one batch, as Apache Kafka 4.3 decides it: the last record of each key, tombstones for
// delete.retention.ms after they were first cleaned (KIP-534: the batch carries that horizon), records that the map
// does not cover, and an empty batch where the batch itself still carries information.
//
// Promises: retained records have the same offset, timestamp and bytes as before; a batch that loses nothing is
// retained verbatim.
import { ByteWriter, NO_TIMESTAMP, Offset, type Timestamp } from '@milepost/core';
import {
  type Codec,
  emptiedBatch,
  type RecordBatch,
  RecordCursor,
  rewriteBatch,
  writeRebased,
} from '@milepost/records';
import type { KeyOffsets } from './key-offsets.ts';

export interface FilterRules {
  readonly lastOffsets: KeyOffsets;
  /** Records from here on are not in the map; all are retained. */
  readonly endOffset: Offset;
  /** The wall clock at the start of the pass. */
  readonly now: number;
  readonly deleteRetentionMs: number;
}

export interface BatchFate {
  /** Its records are dropped: an aborted transaction's, or a marker whose transaction has no records left. */
  readonly isDiscardable: boolean;
  /** It is retained even without records: it holds a producer's last sequence, or the last offset of a segment. */
  readonly mustStay: boolean;
}

/**
 * The batch itself, its retained part, or undefined for nothing. @throws MalformedMessage where its records are broken.
 */
export function filterBatch(batch: RecordBatch, fate: BatchFate, rules: FilterRules): Buffer | undefined {
  const horizon = batch.deleteHorizonMs;
  // A marker without records is retained until its horizon has passed; the first pass sets the horizon.
  const discards = fate.isDiscardable && (!batch.isControl || (horizon !== undefined && horizon <= rules.now));
  if (discards || batch.recordCount === 0) return withoutRecords(batch, fate);

  const bytes = batch.unpack();
  const kept = chosen(batch, bytes, rules);
  if (kept.count === 0) return withoutRecords(batch, fate);
  const needsHorizon = (kept.hasTombstone || (batch.isControl && fate.isDiscardable)) && horizon === undefined;
  if (kept.count === batch.recordCount && !needsHorizon) return batch.bytes;
  return rewritten(
    batch,
    bytes,
    kept,
    needsHorizon ? Math.min(rules.now + rules.deleteRetentionMs, Number.MAX_SAFE_INTEGER) : undefined,
  );
}

function withoutRecords(batch: RecordBatch, { mustStay }: BatchFate): Buffer | undefined {
  return mustStay ? emptiedBatch(batch) : undefined;
}

interface Chosen {
  /** Indexed by the record's position in the batch. */
  readonly isKept: readonly boolean[];
  readonly count: number;
  readonly hasTombstone: boolean;
  readonly maxTimestamp: Timestamp;
}

const cursor = new RecordCursor();

function chosen(batch: RecordBatch, bytes: Buffer, rules: FilterRules): Chosen {
  const { baseOffset, baseTimestamp, deleteHorizonMs } = batch;
  const keepsTombstones = deleteHorizonMs === undefined || rules.now < deleteHorizonMs;
  const isKept: boolean[] = [];
  let count = 0;
  let hasTombstone = false;
  let maxTimestamp: number = NO_TIMESTAMP;
  cursor.begin(bytes, batch.recordCount);
  while (cursor.next()) {
    const offset = Offset(baseOffset + cursor.offsetDelta);
    const isChosen =
      batch.isControl ||
      offset >= rules.endOffset ||
      (cursor.keyLength >= 0 &&
        (cursor.valueLength >= 0 || keepsTombstones) &&
        offset >= rules.lastOffsets.get(bytes.subarray(cursor.keyAt, cursor.keyAt + cursor.keyLength)));
    isKept.push(isChosen);
    if (!isChosen) continue;
    count++;
    hasTombstone ||= cursor.valueLength < 0 && !batch.isControl;
    maxTimestamp = Math.max(maxTimestamp, baseTimestamp + cursor.timestampDelta);
  }
  const isStamped = batch.timestampType === 'LogAppendTime';
  return { isKept, count, hasTombstone, maxTimestamp: isStamped ? batch.maxTimestamp : (maxTimestamp as Timestamp) };
}

/** With a new horizon, timestamps are encoded relative to it; otherwise the records are copied unchanged. */
function rewritten(batch: RecordBatch, bytes: Buffer, kept: Chosen, newHorizonMs: number | undefined): Buffer {
  const { count, maxTimestamp } = kept;
  const shiftMs = newHorizonMs === undefined ? 0 : batch.baseTimestamp - newHorizonMs;
  const writer = new ByteWriter(bytes.length);
  cursor.begin(bytes, batch.recordCount);
  while (cursor.next()) {
    if (!kept.isKept[cursor.index]) continue;
    if (shiftMs === 0) writer.raw(bytes.subarray(cursor.start, cursor.end));
    else writeRebased(writer, bytes, cursor, shiftMs);
  }
  return rewriteBatch(batch, {
    bytes: writer.finish(),
    count,
    codec: batch.compression as Codec,
    maxTimestamp,
    baseTimestamp: (newHorizonMs ?? batch.baseTimestamp) as Timestamp,
    hasDeleteHorizon: newHorizonMs !== undefined || batch.deleteHorizonMs !== undefined,
  });
}
