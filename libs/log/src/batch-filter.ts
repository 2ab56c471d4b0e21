// What compaction retains of one batch, as Apache Kafka 4.3 decides it: the last record of each key, tombstones for
// delete.retention.ms after they were first cleaned (KIP-534: the batch carries that horizon), records that the map
// does not cover, and an empty batch where the batch itself still carries information.
//
// Promises: retained records have the same offset, timestamp and bytes as before; a batch that loses nothing is
// retained verbatim.
import { ByteWriter, invariant, MalformedMessage, NO_TIMESTAMP, Offset, type Timestamp } from '@milepost/core';
import {
  type Codec,
  emptiedBatch,
  inSteps,
  packsQuickly,
  type RecordBatch,
  RecordCursor,
  rewriteBatch,
  rewriteBatchInSteps,
  type RewrittenRecords,
  STEP_BYTES,
  type Steps,
  UNPACKED_LIMIT_BYTES,
  UnpacksToMore,
  writeRebased,
} from '@milepost/records';
import { type Pace, TURN_RECORDS } from './compaction-pace.ts';
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
 * The batch itself, its retained part, or undefined for nothing. In several turns where the batch is large. @throws
 * MalformedMessage where its records are broken
 */
export async function filterBatch(
  batch: RecordBatch,
  fate: BatchFate,
  rules: FilterRules,
  pace: Pace,
): Promise<Buffer | undefined> {
  const horizon = batch.deleteHorizonMs;
  // A marker without records is retained until its horizon has passed; the first pass sets the horizon.
  const discards = fate.isDiscardable && (!batch.isControl || (horizon !== undefined && horizon <= rules.now));
  if (discards || batch.recordCount === 0) return withoutRecords(batch, fate);

  const bytes = await unpackedRecords(batch, pace);
  const kept = await inSteps(chosen(batch, bytes, rules), pace);
  if (kept.count === 0) return withoutRecords(batch, fate);
  const wantsHorizon = (kept.hasTombstone || (batch.isControl && fate.isDiscardable)) && horizon === undefined;
  const setsHorizon = wantsHorizon && kept.sizeBytes + kept.count * MOST_GROWTH_BYTES <= UNPACKED_LIMIT_BYTES;
  if (kept.count === batch.recordCount && !setsHorizon) return batch.bytes;
  const newHorizonMs = setsHorizon ? Math.min(rules.now + rules.deleteRetentionMs, Number.MAX_SAFE_INTEGER) : undefined;
  return rewritten(batch, await inSteps(retained(batch, bytes, kept, newHorizonMs), pace), kept, newHorizonMs, pace);
}

/** In this turn, where that is little work. @throws MalformedMessage */
export async function unpackedRecords(batch: RecordBatch, pace: Pace): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = batch.unpack(STEP_BYTES);
  } catch (failure) {
    if (!(failure instanceof UnpacksToMore)) throw failure;
    bytes = await batch.unpackInSteps(pace);
  }
  pace.unpacked(bytes.length, batch.recordCount);
  return bytes;
}

/**
 * Of a record with another base timestamp: nine more bytes for its delta, one for its length. A batch that might then
 * unpack to more than the limit gets no horizon, and its tombstones remain: no reader could unpack it.
 */
const MOST_GROWTH_BYTES = 10;

function withoutRecords(batch: RecordBatch, { mustStay }: BatchFate): Buffer | undefined {
  return mustStay ? emptiedBatch(batch) : undefined;
}

interface Chosen {
  /** 1 for a retained record; indexed by the record's position in the batch. */
  readonly isKept: Uint8Array;
  readonly count: number;
  readonly sizeBytes: number;
  readonly hasTombstone: boolean;
  readonly maxTimestamp: Timestamp;
}

function* chosen(batch: RecordBatch, bytes: Buffer, rules: FilterRules): Steps<Chosen> {
  const { baseOffset, baseTimestamp, deleteHorizonMs, recordCount } = batch;
  if (recordCount > bytes.length) throw new MalformedMessage(`${recordCount} records in ${bytes.length} bytes`);
  const keepsTombstones = deleteHorizonMs === undefined || rules.now < deleteHorizonMs;
  const isKept = new Uint8Array(recordCount);
  let count = 0;
  let sizeBytes = 0;
  let hasTombstone = false;
  let maxTimestamp: number = NO_TIMESTAMP;
  const cursor = new RecordCursor().begin(bytes, recordCount);
  while (cursor.next()) {
    if (cursor.index % TURN_RECORDS === TURN_RECORDS - 1) yield;
    const offset = Offset(baseOffset + cursor.offsetDelta);
    const isChosen =
      batch.isControl ||
      offset >= rules.endOffset ||
      (cursor.keyLength >= 0 &&
        (cursor.valueLength >= 0 || keepsTombstones) &&
        offset >= rules.lastOffsets.get(bytes.subarray(cursor.keyAt, cursor.keyAt + cursor.keyLength)));
    if (!isChosen) continue;
    isKept[cursor.index] = 1;
    count++;
    sizeBytes += cursor.end - cursor.start;
    hasTombstone ||= cursor.valueLength < 0 && !batch.isControl;
    maxTimestamp = Math.max(maxTimestamp, baseTimestamp + cursor.timestampDelta);
  }
  const isStamped = batch.timestampType === 'LogAppendTime';
  const largest = isStamped ? batch.maxTimestamp : (maxTimestamp as Timestamp);
  return { isKept, count, sizeBytes, hasTombstone, maxTimestamp: largest };
}

/** With a new horizon, timestamps are encoded relative to it; otherwise the records are copied unchanged. */
function* retained(batch: RecordBatch, bytes: Buffer, kept: Chosen, newHorizonMs: number | undefined): Steps<Buffer> {
  const shiftMs = newHorizonMs === undefined ? 0 : batch.baseTimestamp - newHorizonMs;
  const writer = new ByteWriter(kept.sizeBytes + (shiftMs === 0 ? 0 : kept.count * MOST_GROWTH_BYTES));
  const cursor = new RecordCursor().begin(bytes, batch.recordCount);
  while (cursor.next()) {
    if (cursor.index % TURN_RECORDS === TURN_RECORDS - 1) yield;
    if (!kept.isKept[cursor.index]) continue;
    if (shiftMs === 0) writer.raw(bytes.subarray(cursor.start, cursor.end));
    else writeRebased(writer, bytes, cursor, shiftMs);
  }
  return writer.finish();
}

async function rewritten(
  batch: RecordBatch,
  bytes: Buffer,
  { count, maxTimestamp }: Chosen,
  newHorizonMs: number | undefined,
  pace: Pace,
): Promise<Buffer> {
  const records: RewrittenRecords = {
    bytes,
    count,
    codec: batch.compression as Codec,
    maxTimestamp,
    baseTimestamp: (newHorizonMs ?? batch.baseTimestamp) as Timestamp,
    hasDeleteHorizon: newHorizonMs !== undefined || batch.deleteHorizonMs !== undefined,
  };
  if (packsQuickly(bytes.length, records)) return rewriteBatch(batch, records);
  const inTurns = await rewriteBatchInSteps(batch, records, Number.POSITIVE_INFINITY, pace);
  invariant(inTurns, 'a rewritten batch without a limit');
  return inTurns;
}
