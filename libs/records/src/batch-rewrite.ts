// Builds a batch with other record bytes: for a client's batch that the broker must change (another codec), and for
// what compaction retains of a batch. The identity does not change: base and last offset, leader epoch, producer and
// sequences, transactional and control bits, the timestamp type.
import { ByteWriter, NO_TIMESTAMP, type Timestamp } from '@milepost/core';
import { BATCH_HEADER_BYTES, BATCH_PREFIX_BYTES, type RecordBatch, UNPACKED_LIMIT_BYTES } from './batch.ts';
import { codeOf, compress } from './compression.ts';
import { crc32c } from './crc32c.ts';
import { packInSteps, type Packing } from './pack-in-steps.ts';
import { RecordCursor } from './record-cursor.ts';
import { STEP_RECORDS, type Stepping, type Steps } from './steps.ts';
import { UnpacksToMore } from './unpacked.ts';

export interface RewrittenBatch extends Packing {
  readonly count: number;
  readonly maxTimestamp: Timestamp;
  /** Absent: the batch's own. */
  readonly baseTimestamp?: Timestamp;
  /** `baseTimestamp` is the delete horizon (KIP-534). */
  readonly hasDeleteHorizon?: boolean;
}

export interface RewrittenRecords extends RewrittenBatch {
  /** Unpacked, one after the other; their deltas are relative to the batch's base offset and to `baseTimestamp`. */
  readonly bytes: Buffer;
}

const CODEC_BITS = 0x07;
const DELETE_HORIZON_BIT = 0x40;

export function rewriteBatch(batch: RecordBatch, { bytes, ...rewritten }: RewrittenRecords): Buffer {
  return withPacked(
    batch,
    rewritten,
    rewritten.count === 0 ? bytes : compress(rewritten.codec, bytes, rewritten.level),
  );
}

/** Like `rewriteBatch`, without holding the event loop. Undefined: the result is more than the limit. */
export async function rewriteBatchInSteps(
  batch: RecordBatch,
  { bytes, ...rewritten }: RewrittenRecords,
  limitBytes: number,
  stepping: Stepping,
): Promise<Buffer | undefined> {
  const packed = await packInSteps(bytes, rewritten, limitBytes - BATCH_HEADER_BYTES, stepping);
  return packed && withPacked(batch, rewritten, packed);
}

function withPacked(batch: RecordBatch, rewritten: RewrittenBatch, packed: Buffer): Buffer {
  const { codec, count, maxTimestamp } = rewritten;
  const bytes = Buffer.allocUnsafe(BATCH_HEADER_BYTES + packed.length);
  batch.buffer.copy(bytes, 0, batch.position, batch.position + BATCH_HEADER_BYTES);
  bytes.set(packed, BATCH_HEADER_BYTES);
  const horizon = rewritten.hasDeleteHorizon ? DELETE_HORIZON_BIT : 0;
  bytes.writeInt32BE(bytes.length - BATCH_PREFIX_BYTES, 8);
  bytes.writeUInt16BE((batch.attributes & ~(CODEC_BITS | DELETE_HORIZON_BIT)) | codeOf(codec) | horizon, 21);
  bytes.writeBigInt64BE(BigInt(rewritten.baseTimestamp ?? batch.baseTimestamp), 27);
  bytes.writeBigInt64BE(BigInt(maxTimestamp), 35);
  bytes.writeInt32BE(count, 57);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

/** A header without records: the record of the offsets and sequences that were here. */
export function emptiedBatch(batch: RecordBatch): Buffer {
  const { maxTimestamp } = batch;
  return rewriteBatch(batch, {
    bytes: Buffer.alloc(0),
    count: 0,
    codec: 'none',
    maxTimestamp,
    baseTimestamp: NO_TIMESTAMP,
  });
}

/** Of a record with another delta: up to three more bytes for the delta, and one for the record's length. */
const MOST_GROWTH_BYTES = 4;

/**
 * The records with offset deltas 0, 1, 2 … in their order: some old clients number them wrongly. @throws UnpacksToMore,
 * as larger deltas take more bytes
 */
export function* renumbered(bytes: Buffer, count: number): Steps<Buffer> {
  const writer = new ByteWriter(bytes.length + count * MOST_GROWTH_BYTES);
  const cursor = new RecordCursor().begin(bytes, count);
  while (cursor.next()) {
    const { index, timestampDelta, keyLength, keyAt, end } = cursor;
    const body = new ByteWriter(32);
    body.int8(0);
    body.varlong(timestampDelta);
    body.varint(index);
    body.varint(keyLength);
    writer.varint(body.position + end - keyAt);
    writer.raw(body.finish());
    writer.raw(bytes.subarray(keyAt, end));
    if (writer.position > UNPACKED_LIMIT_BYTES)
      throw new UnpacksToMore(`${count} records with consecutive offsets: more than ${UNPACKED_LIMIT_BYTES} bytes`);
    if (index % STEP_RECORDS === STEP_RECORDS - 1) yield;
  }
  return writer.finish();
}

/** Writes the cursor's current record with its timestamp relative to another base. */
export function writeRebased(writer: ByteWriter, bytes: Buffer, cursor: RecordCursor, shiftMs: number): void {
  const head = new ByteWriter(16);
  head.int8(0);
  head.varlong(cursor.timestampDelta + shiftMs);
  writer.varint(head.position + cursor.end - cursor.restAt);
  writer.raw(head.finish());
  writer.raw(bytes.subarray(cursor.restAt, cursor.end));
}
