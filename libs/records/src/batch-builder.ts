// Builds v2 batches: for tests, transaction markers and what the broker itself has to say. Batches of clients are never
// rebuilt.
import { ByteWriter, invariant, type LeaderEpoch, NO_LEADER_EPOCH, Offset, type Timestamp } from '@milepost/core';
import { BATCH_HEADER_BYTES, BATCH_PREFIX_BYTES, NO_PRODUCER_ID, NO_SEQUENCE, type RecordHeader } from './batch.ts';
import { compress, type Codec, codeOf } from './compression.ts';
import { crc32c } from './crc32c.ts';

export interface RecordToBuild {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: Timestamp;
  readonly headers?: readonly RecordHeader[];
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

function packRecords(records: readonly RecordToBuild[], baseTimestamp: Timestamp): Buffer {
  const writer = new ByteWriter(1024);
  for (const [index, record] of records.entries()) {
    const body = packRecord(record, index, record.timestamp - baseTimestamp);
    writer.varint(body.length);
    writer.raw(body);
  }
  return writer.finish();
}

/** Written apart, because its length comes first. */
function packRecord(record: RecordToBuild, offsetDelta: number, timestampDelta: number): Buffer {
  const writer = new ByteWriter(16 + (record.key?.length ?? 0) + (record.value?.length ?? 0));
  writer.int8(0); // attributes: none defined
  writer.varlong(timestampDelta);
  writer.varint(offsetDelta);
  nullableBytes(writer, record.key);
  nullableBytes(writer, record.value);
  const headers = record.headers ?? [];
  writer.varint(headers.length);
  for (const header of headers) {
    const key = Buffer.from(header.key);
    writer.varint(key.length);
    writer.raw(key);
    nullableBytes(writer, header.value);
  }
  return writer.finish();
}

function nullableBytes(writer: ByteWriter, bytes: Uint8Array | null): void {
  writer.varint(bytes === null ? -1 : bytes.length);
  if (bytes !== null) writer.raw(bytes);
}
