// Builds v2 batches: those of producers, transaction markers, and the broker's own records. Batches of clients are
// never rebuilt. Sizes are computed first, so that a record is written once, in its final place.
import { ByteWriter, invariant, type LeaderEpoch, NO_LEADER_EPOCH, Offset, type Timestamp } from '@milepost/core';
import { BATCH_HEADER_BYTES, BATCH_PREFIX_BYTES, NO_PRODUCER_ID, NO_SEQUENCE, type RecordHeader } from './batch.ts';
import { compress, type Codec, codeOf } from './compression.ts';
import { crc32c } from './crc32c.ts';

export interface RecordToBuild {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: Timestamp;
  /** A list, or the bytes from `packHeaders` where many records share them. */
  readonly headers?: readonly RecordHeader[] | Uint8Array;
}

export interface BatchToBuild {
  readonly records: readonly RecordToBuild[];
  readonly baseOffset?: Offset;
  readonly leaderEpoch?: LeaderEpoch;
  readonly compression?: Codec;
  readonly producerId?: bigint;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
}

/** Offsets of the records are consecutive from `baseOffset` on; timestamps are CreateTime. */
export function buildBatch(batch: BatchToBuild): Buffer {
  const first = batch.records[0];
  invariant(first, 'a batch holds at least one record');
  const codec = batch.compression ?? 'none';
  const packed = compress(codec, packRecords(batch.records, first.timestamp));
  const writer = new ByteWriter(BATCH_HEADER_BYTES + packed.length);
  writer.long(batch.baseOffset ?? Offset(0));
  writer.int32(BATCH_HEADER_BYTES - BATCH_PREFIX_BYTES + packed.length);
  writer.int32(batch.leaderEpoch ?? NO_LEADER_EPOCH);
  writer.int8(2); // magic
  writer.uint32(0); // the CRC comes last
  writer.int16(codeOf(codec) | (batch.isTransactional ? 0x10 : 0) | (batch.isControl ? 0x20 : 0));
  writer.int32(batch.records.length - 1);
  writer.long(first.timestamp);
  writer.long(batch.records.reduce((latest, record) => Math.max(latest, record.timestamp), first.timestamp as number));
  writer.int64(batch.producerId ?? NO_PRODUCER_ID);
  writer.int16(batch.producerEpoch ?? -1);
  writer.int32(batch.baseSequence ?? NO_SEQUENCE);
  writer.int32(batch.records.length);
  writer.raw(packed);
  const bytes = writer.finish();
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  return bytes;
}

/** The headers with their count, as they follow a record's value. */
export function packHeaders(headers: readonly RecordHeader[]): Buffer {
  if (headers.length === 0) return NO_HEADERS;
  const writer = new ByteWriter(64);
  writer.varint(headers.length);
  for (const { key, value } of headers) {
    const length = Buffer.byteLength(key);
    writer.varint(length);
    writer.utf8(key, length);
    nullableBytes(writer, value);
  }
  return writer.finish();
}

const NO_HEADERS = Buffer.of(0);
/** length, attributes, timestamp delta, offset delta, key length, value length: an upper bound for most records. */
const RECORD_OVERHEAD_BYTES = 16;

function packRecords(records: readonly RecordToBuild[], baseTimestamp: Timestamp): Buffer {
  const packed = records.map(({ headers = NO_HEADERS }) =>
    headers instanceof Uint8Array ? headers : packHeaders(headers),
  );
  let expectedBytes = 0;
  for (const { key, value } of records)
    expectedBytes += RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const headers of packed) expectedBytes += headers.length;
  const writer = new ByteWriter(expectedBytes);
  records.forEach(({ key, value, timestamp }, offsetDelta) => {
    const headers = packed[offsetDelta] as Uint8Array;
    const timestampDelta = timestamp - baseTimestamp;
    writer.varint(
      1 + varlongBytes(timestampDelta) + varlongBytes(offsetDelta) + bytesOf(key) + bytesOf(value) + headers.length,
    );
    writer.int8(0); // attributes: none defined
    writer.varlong(timestampDelta);
    writer.varint(offsetDelta);
    nullableBytes(writer, key);
    nullableBytes(writer, value);
    writer.raw(headers);
  });
  return writer.finish();
}

function nullableBytes(writer: ByteWriter, bytes: Uint8Array | null): void {
  writer.varint(bytes === null ? -1 : bytes.length);
  if (bytes !== null) writer.raw(bytes);
}

const bytesOf = (bytes: Uint8Array | null): number => (bytes === null ? 1 : varlongBytes(bytes.length) + bytes.length);

/** The size of a whole number as a zigzag varint. */
function varlongBytes(value: number): number {
  let count = 1;
  for (let rest = value >= 0 ? value : -value - 1; rest >= 64; rest /= 128) count++;
  return count;
}
