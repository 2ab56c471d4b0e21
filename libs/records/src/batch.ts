// A v2 record batch in place: a view over bytes that belong to another object, with getters at fixed positions. Nothing
// is copied and no record is parsed until `records()` is called: the batch that arrives is the batch on disk is the
// batch that leaves. Parsed records are views too; copy a record to keep it.
//
//    0 baseOffset int64        12 leaderEpoch int32    21 attributes int16        35 maxTimestamp int64   53 baseSequence int32
//    8 batchLength int32       16 magic int8           23 lastOffsetDelta int32   43 producerId int64     57 recordCount int32
//      (all that follows it)   17 crc uint32 (21..)    27 baseTimestamp int64     51 producerEpoch int16  61 records
//
//   attributes: 0-2 compression, 3 LogAppendTime, 4 transactional, 5 control, 6 delete horizon (KIP-534)
import { ByteReader, LeaderEpoch, MalformedMessage, Offset, Timestamp } from '@milepost/core';
import { codecOf, decompress, type Codec } from './compression.ts';
import { crc32c } from './crc32c.ts';
import type { Stepping } from './steps.ts';
import { unpackInSteps } from './unpack-in-steps.ts';

export const BATCH_HEADER_BYTES = 61;
/** baseOffset and batchLength: enough to find the next batch. */
export const BATCH_PREFIX_BYTES = 12;
/** More than any client puts into a batch; a batch that unpacks to more is a bomb. */
export const UNPACKED_LIMIT_BYTES = 128 * 1024 * 1024;
export const NO_SEQUENCE = -1;
export const NO_PRODUCER_ID = -1n;

export type TimestampType = 'CreateTime' | 'LogAppendTime';

export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

export interface LogRecord {
  readonly offset: Offset;
  readonly timestamp: Timestamp;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  /** The value of the first header with this key; undefined: there is none. Creates no other header. */
  header(key: Buffer): Buffer | null | undefined;
  /** -1 if the batch has none. */
  readonly sequence: number;
}

const LOG_APPEND_TIME_BIT = 0x08;
const TRANSACTIONAL_BIT = 0x10;
const CONTROL_BIT = 0x20;
const DELETE_HORIZON_BIT = 0x40;

export class RecordBatch {
  readonly buffer: Buffer;
  readonly position: number;

  private constructor(buffer: Buffer, position: number) {
    this.buffer = buffer;
    this.position = position;
  }

  /** Undefined if there is no whole batch: fewer bytes than a header, than its length, or a length below a header's. */
  static at(buffer: Buffer, position: number): RecordBatch | undefined {
    if (position + BATCH_HEADER_BYTES > buffer.length) return undefined;
    const batch = new RecordBatch(buffer, position);
    const { sizeBytes } = batch;
    return sizeBytes < BATCH_HEADER_BYTES || position + sizeBytes > buffer.length ? undefined : batch;
  }

  get sizeBytes(): number {
    return BATCH_PREFIX_BYTES + this.buffer.readInt32BE(this.position + 8);
  }
  /** The whole batch, a view. */
  get bytes(): Buffer {
    return this.buffer.subarray(this.position, this.position + this.sizeBytes);
  }
  get baseOffset(): Offset {
    return Offset(readLong(this.buffer, this.position));
  }
  get leaderEpoch(): LeaderEpoch {
    return LeaderEpoch(this.buffer.readInt32BE(this.position + 12));
  }
  get magic(): number {
    return this.buffer.readInt8(this.position + 16);
  }
  get crc(): number {
    return this.buffer.readUInt32BE(this.position + 17);
  }
  get attributes(): number {
    return this.buffer.readUInt16BE(this.position + 21);
  }
  /** Undefined for a code that Kafka does not define. */
  get compression(): Codec | undefined {
    return codecOf(this.attributes & 0x07);
  }
  get timestampType(): TimestampType {
    return this.attributes & LOG_APPEND_TIME_BIT ? 'LogAppendTime' : 'CreateTime';
  }
  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL_BIT) !== 0;
  }
  get isControl(): boolean {
    return (this.attributes & CONTROL_BIT) !== 0;
  }
  /** The time from which the cleaner may drop its tombstones (KIP-534); it is stored as the base timestamp. */
  get deleteHorizonMs(): Timestamp | undefined {
    return this.attributes & DELETE_HORIZON_BIT ? this.baseTimestamp : undefined;
  }
  get lastOffsetDelta(): number {
    return this.buffer.readInt32BE(this.position + 23);
  }
  get lastOffset(): Offset {
    return Offset(this.baseOffset + this.lastOffsetDelta);
  }
  get nextOffset(): Offset {
    return Offset(this.baseOffset + this.lastOffsetDelta + 1);
  }
  get baseTimestamp(): Timestamp {
    return Timestamp(readLong(this.buffer, this.position + 27));
  }
  get maxTimestamp(): Timestamp {
    return Timestamp(readLong(this.buffer, this.position + 35));
  }
  get producerId(): bigint {
    return this.buffer.readBigInt64BE(this.position + 43);
  }
  get producerEpoch(): number {
    return this.buffer.readInt16BE(this.position + 51);
  }
  get baseSequence(): number {
    return this.buffer.readInt32BE(this.position + 53);
  }
  get lastSequence(): number {
    return sequenceAfter(this.baseSequence, this.lastOffsetDelta);
  }
  get recordCount(): number {
    return this.buffer.readInt32BE(this.position + 57);
  }

  /** Whether the CRC over attributes..end matches the header's. */
  isIntact(): boolean {
    return this.#computeCrc() === this.crc;
  }

  /** Sets, in place, the fields that a leader assigns. The CRC covers neither. */
  assign(baseOffset: Offset, leaderEpoch: LeaderEpoch): void {
    writeLong(this.buffer, this.position, baseOffset);
    this.buffer.writeInt32BE(leaderEpoch, this.position + 12);
  }

  /** Gives all records the broker's time: the maximum, the attribute's bit and the CRC change in place. */
  setLogAppendTime(timestamp: Timestamp): void {
    this.#stamp(this.attributes | LOG_APPEND_TIME_BIT, timestamp);
  }

  /** Records keep their own times; sets the largest of them in the header. */
  setCreateTime(maxTimestamp: Timestamp): void {
    if (this.timestampType === 'CreateTime' && this.maxTimestamp === maxTimestamp) return;
    this.#stamp(this.attributes & ~LOG_APPEND_TIME_BIT, maxTimestamp);
  }

  /** The bytes of the records, unpacked. @throws MalformedMessage; UnpacksToMore than the limit. */
  unpack(limitBytes = UNPACKED_LIMIT_BYTES): Buffer {
    const codec = this.compression;
    if (codec === undefined) throw new MalformedMessage(`${this.#where()}: compression code ${this.attributes & 7}`);
    return codec === 'none' ? this.#packed() : decompress(codec, this.#packed(), limitBytes);
  }

  /** Like `unpack`, for large batches: without holding the event loop. */
  async unpackInSteps(stepping: Stepping, limitBytes = UNPACKED_LIMIT_BYTES): Promise<Buffer> {
    const codec = this.compression;
    return codec === undefined ? this.unpack() : unpackInSteps(codec, this.#packed(), limitBytes, stepping);
  }

  #packed(): Buffer {
    return this.buffer.subarray(this.position + BATCH_HEADER_BYTES, this.position + this.sizeBytes);
  }

  /** Unpacks and parses, lazily. Keys and values are views. @throws MalformedMessage where the bytes are wrong. */
  *records(limitBytes = UNPACKED_LIMIT_BYTES): Generator<LogRecord, void, undefined> {
    if (this.magic !== 2) throw new MalformedMessage(`${this.#where()}: magic ${this.magic}, expected 2`);
    const reader = new ByteReader(this.unpack(limitBytes));
    const count = reader.count(this.recordCount, LEAST_RECORD_BYTES);
    const { baseOffset, baseTimestamp, baseSequence } = this;
    const appendTime = this.timestampType === 'LogAppendTime' ? this.maxTimestamp : undefined;
    for (let index = 0; index < count; index++) {
      const length = reader.varint();
      const end = reader.position + length;
      if (length < 0 || length > reader.remaining)
        throw new MalformedMessage(`${this.#where()}: record ${index} of ${length} bytes, ${reader.remaining} left`);
      reader.skip(1); // attributes: none defined
      const timestamp = baseTimestamp + reader.varlong();
      const delta = reader.varint();
      const key = nullableBytes(reader);
      const value = nullableBytes(reader);
      const headersAt = reader.position;
      skipHeaders(reader);
      if (reader.position !== end)
        throw new MalformedMessage(`${this.#where()}: record ${index} ends at ${reader.position}, expected ${end}`);
      yield new RecordView(
        Offset(baseOffset + delta),
        appendTime ?? Timestamp(timestamp),
        key,
        value,
        sequenceAfter(baseSequence, delta),
        reader.buffer,
        headersAt,
      );
    }
    if (reader.remaining > 0)
      throw new MalformedMessage(`${this.#where()}: ${reader.remaining} bytes after the last of ${count} records`);
  }

  #stamp(attributes: number, maxTimestamp: Timestamp): void {
    this.buffer.writeUInt16BE(attributes, this.position + 21);
    writeLong(this.buffer, this.position + 35, maxTimestamp);
    this.buffer.writeUInt32BE(this.#computeCrc(), this.position + 17);
  }

  #computeCrc(): number {
    return crc32c(this.buffer.subarray(this.position + 21, this.position + this.sizeBytes));
  }

  #where(): string {
    return `batch at ${this.position} (base offset ${this.baseOffset})`;
  }
}

/** A record in place. Its headers are created on access, which is rare. */
class RecordView implements LogRecord {
  readonly offset: Offset;
  readonly timestamp: Timestamp;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly sequence: number;
  readonly #buffer: Buffer;
  readonly #headersAt: number;

  constructor(
    offset: Offset,
    timestamp: Timestamp,
    key: Buffer | null,
    value: Buffer | null,
    sequence: number,
    buffer: Buffer,
    headersAt: number,
  ) {
    this.offset = offset;
    this.timestamp = timestamp;
    this.key = key;
    this.value = value;
    this.sequence = sequence;
    this.#buffer = buffer;
    this.#headersAt = headersAt;
  }

  get headers(): readonly RecordHeader[] {
    return readHeaders(new ByteReader(this.#buffer, this.#headersAt));
  }

  header(key: Buffer): Buffer | null | undefined {
    const reader = new ByteReader(this.#buffer, this.#headersAt);
    for (let left = reader.varint(); left > 0; left--) {
      const keyBytes = reader.varint();
      const keyAt = reader.position;
      reader.skip(keyBytes);
      const value = nullableBytesAt(reader);
      if (keyBytes === key.length && key.compare(this.#buffer, keyAt, keyAt + keyBytes) === 0)
        return value === undefined ? null : this.#buffer.subarray(value, reader.position);
    }
    return undefined;
  }
}

/** The whole batches in the bytes, in order; stops before the first that is cut off or impossible. */
export function* batchesOf(buffer: Buffer): Generator<RecordBatch, void, undefined> {
  for (let batch = RecordBatch.at(buffer, 0); batch; batch = RecordBatch.at(buffer, batch.position + batch.sizeBytes))
    yield batch;
}

/** Sequences go from 0 to 2^31 - 1 and wrap to 0. */
export function sequenceAfter(base: number, delta: number): number {
  return base === NO_SEQUENCE ? NO_SEQUENCE : (base + delta) % 2 ** 31;
}

/** length, attributes, timestamp delta, offset delta, key length, value length, header count: at least a byte each. */
const LEAST_RECORD_BYTES = 7;

function nullableBytes(reader: ByteReader): Buffer | null {
  const length = reader.varint();
  return length === -1 ? null : reader.slice(length);
}

/** Skips them. Returns where they begin; undefined for null. */
function nullableBytesAt(reader: ByteReader): number | undefined {
  const length = reader.varint();
  if (length === -1) return undefined;
  const at = reader.position;
  reader.skip(length);
  return at;
}

function skipHeaders(reader: ByteReader): void {
  const count = reader.count(reader.varint(), 2);
  for (let index = 0; index < count; index++) {
    reader.skip(reader.varint());
    nullableBytesAt(reader);
  }
}

const NO_HEADERS: readonly RecordHeader[] = [];

function readHeaders(reader: ByteReader): readonly RecordHeader[] {
  const count = reader.count(reader.varint(), 2);
  if (count === 0) return NO_HEADERS;
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count; index++)
    headers.push({ key: reader.utf8(reader.varint()), value: nullableBytes(reader) });
  return headers;
}

/** Like ByteReader.long: saturates at ±(2^53 - 1). */
function readLong(buffer: Buffer, at: number): number {
  const value = buffer.readInt32BE(at) * 0x1_0000_0000 + buffer.readUInt32BE(at + 4);
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
}

function writeLong(buffer: Buffer, at: number, value: number): void {
  buffer.writeInt32BE(Math.floor(value / 0x1_0000_0000), at);
  buffer.writeUInt32BE(value >>> 0, at + 4);
}
